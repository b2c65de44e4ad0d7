"""From journals to the index: the only writer of the index."""
