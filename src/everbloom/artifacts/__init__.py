"""Files by content: stored once per SHA-256, found by it, whatever they were called."""
