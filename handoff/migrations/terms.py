"""School terms, as the service sets them."""
