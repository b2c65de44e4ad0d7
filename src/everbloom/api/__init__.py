"""REST over the read side, and the web app's files: one file per resource, thin; the only part with a web framework."""
