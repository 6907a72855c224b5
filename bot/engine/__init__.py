"""The walk from one wait to the next: pure, the same input gives the same output."""

from bot.engine.advance import advance, begin

__all__ = ["advance", "begin"]
