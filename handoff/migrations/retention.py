"""What keeps words longer than their time, and what remains of what was forgotten."""
