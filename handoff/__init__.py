"""Firstline's queue of cases for people; it knows no flows and no channels."""
