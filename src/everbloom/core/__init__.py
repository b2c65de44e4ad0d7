"""Words of the domain: ids, records, values, settings, clock, errors. The bottom layer."""
