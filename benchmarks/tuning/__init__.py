"""What `tune.py` is made of: what is searched, one search, what is written."""
