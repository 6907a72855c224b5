"""What a case is closed with: terms of the taxonomy, route, care for the adviser; and the fact row."""
