"""The advisers' web: the queue, a case, its conversation, closing it."""
