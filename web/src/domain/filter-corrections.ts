// What a refused filter or sort was perhaps meant to be: the server names the place and what would fit there. Pure.

export interface Correction {
  /** What would stand in the place. */
  fit: string;
  /** The whole text with it. */
  text: string;
}

/** Read the corrections of a refusal's fields; none where it offers none. */
export function correctionsOf(fields: Readonly<Record<string, unknown>>): Correction[] {
  const { text, column, length, suggestions } = fields;
  if (typeof text !== 'string' || typeof column !== 'number' || typeof length !== 'number' || !Array.isArray(suggestions)) return [];
  // The server counts characters, a string here counts halves of some.
  const characters = [...text];
  const head = characters.slice(0, column - 1).join('');
  const tail = characters.slice(column - 1 + length).join('');
  return suggestions.flatMap((fit) => (typeof fit === 'string' ? [{ fit, text: head + fit + tail }] : []));
}
