"""Benchmarks: what Firstline does in a second, beside what bare SQLite does in the same run."""
