"""The filter language: text to syntax tree and back, errors that help, completion. Pure, and free of NumPy."""
