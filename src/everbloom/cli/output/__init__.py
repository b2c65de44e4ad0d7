"""How answers look: plain text, tables, curves and JSON, for a terminal or for a pipe."""
