"""Channels: each turns what arrives into a Turn and carries replies out. One file for each; one contract for all."""
