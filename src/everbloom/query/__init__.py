"""The read side: the filter language, run tables, series windows, comparisons. Imports nothing by itself."""
