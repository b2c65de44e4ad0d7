// Keys and commands in one register: pages add theirs while they are shown, the palette and the `?` page list them,
// one listener runs them. Single keys are off inside fields and dialogs, and can be switched off (WCAG 2.1.4).
import { untrack } from 'svelte';
import { preferences } from './preferences.svelte';

export interface Command {
  /** As it stands on the keyboard: `J`, `Shift+X`, `Mod+K`, `G then H`; empty = palette only. */
  keys: string;
  label: string;
  group: string;
  run: () => void;
  /** Only listed: what has the focus takes these keys itself, as a chart does its arrows. */
  isHint?: boolean;
  /** Whether the palette offers it; moving a cursor, for one, makes no sense there. */
  isOffered?: boolean;
}

/** The group of what works on every page. */
export const everywhere = 'Everywhere';

class Register {
  all: readonly Command[] = $state.raw([]);
}
const register = new Register();
let prefix = '';
let prefixTimer: ReturnType<typeof setTimeout> | undefined;
const prefixMs = 1200;

/** Add commands while a component is shown; later ones win, and they are made anew when what they depend on changes. */
export function useCommands(make: () => readonly Command[]): void {
  $effect(() => {
    const made = make();
    untrack(() => (register.all = [...register.all, ...made]));
    return () => {
      register.all = register.all.filter((command) => !made.includes(command));
    };
  });
}

export const listCommands = (): readonly Command[] => register.all;

const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** Print keys for people: `Mod+K` is `⌘ K` on a Mac and `Ctrl K` elsewhere. */
export function printKeys(keys: string): string {
  const short = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'esc', PageUp: 'page ↑', PageDown: 'page ↓', Enter: '↵' };
  const named = Object.entries(short).reduce((text, [name, sign]) => text.replace(name, sign), keys);
  return named.replace('Mod+', isMac ? '⌘' : 'Ctrl ').replace('Shift+', '⇧ ').replace('Alt+', isMac ? '⌥ ' : 'Alt ');
}

/** Name the key of an event as commands spell it. Pure. */
export function nameOfKey(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'metaKey' | 'ctrlKey' | 'altKey'>): string {
  const named = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const isLetter = /^[A-Z]$/.test(named) || named.length > 1;
  const mod = event.metaKey || event.ctrlKey ? 'Mod+' : '';
  return `${mod}${event.altKey ? 'Alt+' : ''}${event.shiftKey && isLetter ? 'Shift+' : ''}${named}`;
}

const takesText = (node: EventTarget | null) =>
  node instanceof HTMLElement && (node.isContentEditable || /^(TEXTAREA|SELECT)$/.test(node.tagName) || (node instanceof HTMLInputElement && !/^(checkbox|radio|button|range)$/.test(node.type)));

const takesKey = (node: EventTarget | null, name: string) =>
  node instanceof Element && (name === 'Enter' || name === 'Space') && node.closest('a, button, input, select, summary, [role=menuitem]') !== null;

function isHeld(event: KeyboardEvent, name: string): boolean {
  if (event.defaultPrevented || event.isComposing) return true;
  if (name.startsWith('Mod+')) return false;
  const isBusy = document.querySelector('dialog[open], [popover]:popover-open') !== null;
  return !preferences.hasSingleKeys || takesText(event.target) || takesKey(event.target, name) || isBusy;
}

function handleKey(event: KeyboardEvent): void {
  const name = nameOfKey(event);
  if (/^(Shift|Control|Alt|Meta)$/.test(event.key) || isHeld(event, name)) return;
  const wanted = prefix ? `${prefix} then ${name}` : name;
  clearPrefix();
  const found = register.all.findLast((command) => command.keys === wanted && command.isHint !== true);
  if (found) {
    event.preventDefault();
    found.run();
  } else if (register.all.some((command) => command.keys.startsWith(`${name} then `))) {
    prefix = name;
    prefixTimer = setTimeout(clearPrefix, prefixMs);
  }
}

function clearPrefix(): void {
  clearTimeout(prefixTimer);
  prefix = '';
}

/** Begin to listen; once, at start. */
export function startKeys(): void {
  addEventListener('keydown', handleKey);
}
