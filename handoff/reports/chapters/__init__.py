"""What a report says, chapter by chapter: each section a table and a sentence that reads it."""
