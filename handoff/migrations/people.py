"""Contact details, looks at an identity, cases that belong together."""
