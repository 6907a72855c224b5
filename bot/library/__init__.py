"""What editors own, loaded and checked: flows, words and pages as one immutable Library."""
