"""From a data set's source to the interactions that a benchmark trains on and the tasks it is tested with."""
