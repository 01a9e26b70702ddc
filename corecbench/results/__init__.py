"""What finished cells leave on disk: written, read, checked."""
