"""What was found: rows, groups of users, and the contrasts between rows."""
