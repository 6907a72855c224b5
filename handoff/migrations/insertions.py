"""Which content an adviser's message carried, in which version."""
