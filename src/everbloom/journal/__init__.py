"""Append-only segments: the truth about runs. The byte format is docs/formats/journal-v1.md."""
