"""What must not be kept is seen here, before anything is stored."""
