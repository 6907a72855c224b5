"""Reports that were passed on: what later ones must not give away together with them."""
