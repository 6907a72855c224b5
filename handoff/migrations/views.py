"""Views for Datasette, sqlite-utils and spreadsheets: codes, days and counts, nothing of a person."""
