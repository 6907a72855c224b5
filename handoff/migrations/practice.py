"""Practice runs: which adviser, which script, how far."""
