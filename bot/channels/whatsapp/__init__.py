"""WhatsApp over Meta's Cloud API: webhooks in, messages out. Media are never fetched."""
