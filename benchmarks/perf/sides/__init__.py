"""Programs that do the work of one side each, in the environment of one library each."""
