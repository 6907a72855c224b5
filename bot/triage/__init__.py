"""What a message may be about: danger first, then the concern and the platform. It never decides urgency downwards."""
