"""Conversation tests: scripts in Rasa's end-to-end YAML, played through the real engine."""

from bot.conversation_tests.run import run_tests

__all__ = ["run_tests"]
