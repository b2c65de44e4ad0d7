"""The command line: one file per command group; each parses, calls the part that works, and prints."""
