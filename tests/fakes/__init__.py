"""Servers of other people, played by us: strict about their rules, on this computer only."""
