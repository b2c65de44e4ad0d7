"""Derived and rebuildable: catalog, attribute columns, text, console and series, on SQLite and PostgreSQL."""
