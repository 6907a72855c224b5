"""Telegram: the only place that knows python-telegram-bot. Nothing of it leaves this package."""
