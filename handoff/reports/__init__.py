"""The annual report and the figures behind it: counted once from facts, small numbers hidden, then put into words."""
