"""What people must be told, kept before anybody is told, until somebody acknowledges."""
