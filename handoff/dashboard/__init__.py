"""What the lead looks at: today and this week against what is usual, the queue, what no flow took, where people stop.

Counts and codes only, read from facts and from the queue as it is; nothing here writes.
"""
