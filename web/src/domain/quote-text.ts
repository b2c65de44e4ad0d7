// A text as the filter language reads it back; apart, as every page asks by it and few read filters.
export const quoteText = (value: string): string => `"${value.replaceAll('"', '""')}"`;
