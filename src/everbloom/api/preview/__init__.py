"""Previews of files: what kind a file is, and a part of it as data; never the whole of a large one, never markup."""
