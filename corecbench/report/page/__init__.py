"""The report of a benchmark as one HTML file, which needs no other files."""
