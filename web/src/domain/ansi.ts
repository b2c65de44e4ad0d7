/**
 * A terminal's line as spans: colours and weight that a program asked for, everything else that is not text taken out.
 * Eight colours, their bright twins, bold and dim; 256 and true colours are read past. Pure and linear.
 */

export interface AnsiSpan {
  readonly text: string;
  /** 0 to 7 as terminals count them; null = the page's own ink. */
  readonly colour: number | null;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

type Look = Omit<AnsiSpan, 'text'>;
const PLAIN: Look = { colour: null, isBold: false, isDim: false };

// CSI sequences, OSC strings (as links and titles are), other escapes, and control characters but tab.
// eslint-disable-next-line no-control-regex
const ESCAPE = /\x1b\[([0-9;:?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -~]?|[\0-\x08\x0a-\x1f\x7f]/g;

/** Parse one line. */
export function parseAnsi(line: string): AnsiSpan[] {
  const spans: AnsiSpan[] = [];
  let look = PLAIN;
  let last = 0;
  const add = (to: number): void => {
    if (to > last) spans.push({ text: line.slice(last, to), ...look });
  };
  for (const found of line.matchAll(ESCAPE)) {
    add(found.index);
    last = found.index + found[0].length;
    if (found[2] === 'm') look = applyCodes(look, found[1] ?? '');
  }
  add(line.length);
  return spans;
}

/** A line's text alone. */
export function stripAnsi(line: string): string {
  return line.replaceAll(ESCAPE, '');
}

function applyCodes(look: Look, codes: string): Look {
  const numbers = codes.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  let next = look;
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    // 38;5;n and 38;2;r;g;b: further numbers belong to the colour.
    if (code === 38 || code === 48) at += numbers[at + 1] === 5 ? 2 : numbers[at + 1] === 2 ? 4 : 0;
    else next = applyCode(next, code);
  }
  return next;
}

function applyCode(look: Look, code: number): Look {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...look, isBold: true };
  if (code === 2) return { ...look, isDim: true };
  if (code === 22) return { ...look, isBold: false, isDim: false };
  if (code === 39) return { ...look, colour: null };
  if (code >= 30 && code <= 37) return { ...look, colour: code - 30 };
  return code >= 90 && code <= 97 ? { ...look, colour: code - 90 } : look;
}
