"""From settings to stored cells: the plan, and how each cell is trained, ranked and stored."""
