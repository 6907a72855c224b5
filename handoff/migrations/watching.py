"""Who watches whose conversation; reviews of closed cases."""
