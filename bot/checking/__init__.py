"""What `firstline check` finds beyond what loading finds: words that are hard to read, ways that lead nowhere."""
