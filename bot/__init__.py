"""Firstline's bot: takes what an enquirer says, finds the next step, delivers it."""
