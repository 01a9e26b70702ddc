"""Evidence as tables and sentences: pure functions of it."""
