"""Tasks, takedowns step by step, reminders that reach the enquirer."""
