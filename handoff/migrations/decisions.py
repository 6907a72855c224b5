"""Threshold decisions with their rationale, second readings, gaps in the content."""
