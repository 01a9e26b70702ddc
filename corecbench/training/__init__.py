"""Who trains when, on which examples, with which loss."""
