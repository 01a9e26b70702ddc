"""Small changes of code, to see whether tests notice."""
