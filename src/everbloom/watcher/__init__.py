"""The process beside training: records console, resources and heartbeat, and tells how training ended."""
