// Tags as typed, and what changed. Pure.

/** Read tags from a line: commas separate, blanks around do not count, none twice. */
export function parseTags(typed: string): string[] {
  return [...new Set(typed.split(/[,\n]/).map((tag) => tag.trim()).filter(Boolean))];
}

export function diffTags(before: readonly string[], after: readonly string[]): { add: string[]; remove: string[] } {
  return { add: after.filter((tag) => !before.includes(tag)), remove: before.filter((tag) => !after.includes(tag)) };
}
