"""Opening hours and closed days that a lead sets at the desk."""
