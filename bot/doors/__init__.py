"""What the desk may ask of the bot: the protocols of handoff.doors, answered from the library and the store."""
