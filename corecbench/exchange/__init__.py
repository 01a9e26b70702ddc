"""Exchanges results and splits with other libraries: reads their ranks and lists, and writes ours."""
