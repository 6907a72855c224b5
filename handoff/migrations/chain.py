"""The audit chain: every event sealed onto the one before it."""
