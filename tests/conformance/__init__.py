"""Our fakes and channels against programs that other people wrote; runs where those are installed."""
