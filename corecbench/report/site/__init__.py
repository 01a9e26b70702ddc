"""A static site made from the stored results of many benchmarks."""
