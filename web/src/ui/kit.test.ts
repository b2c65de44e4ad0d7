import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import Chip from './Chip.svelte';
import ErrorBox from './ErrorBox.svelte';
import Menu from './Menu.svelte';
import StateMark from './StateMark.svelte';
import Tag from './Tag.svelte';
import Toasts from './Toasts.svelte';
import { placeBox } from './place';

afterEach(cleanup);
const hostile = '<img src=x onerror="window.pwned = true">';

describe('a state', () => {
  test.each([
    ['finished', {}, 'finished'], ['running', { progress: 0.62 }, '62%'], ['running', {}, 'running'], ['running', { isStalled: true, progress: 0.5 }, 'stalled'], ['killed', { cause: 'oom' }, 'killedoom'],
    ['failed', { cause: 'exception' }, 'failed'], ['lost', {}, 'lost'],
  ] as const)('%s is said in words, with %j', (state, more, words) => {
    const { container } = render(StateMark, { state, ...more });
    expect(container.textContent?.replace(/\s/g, '')).toBe(words);
  });

  test('has a shape of its own beside its word', () => {
    const shapes = (['running', 'finished', 'failed', 'killed', 'cancelled', 'lost'] as const).map((state) => render(StateMark, { state }).container.querySelector('svg')?.innerHTML);
    expect(new Set(shapes).size).toBe(6);
  });
});

test('text from a run is shown as text', () => {
  const { container } = render(Tag, { text: hostile });
  render(ErrorBox, { message: hostile, code: 'x' });
  render(Chip, { parts: ['', '', hostile], text: hostile, onedit: () => {}, onremove: () => {} });
  expect(container.textContent).toBe(hostile);
  expect(document.querySelector('img')).toBeNull();
});

test('a message that points into what was typed keeps its spaces', () => {
  render(ErrorBox, { message: 'a value is missing.\n  lr >\n      ^', code: 'filter.syntax' });
  expect(document.querySelector('pre')?.textContent).toBe('  lr >\n      ^');
});

test('a menu is walked with arrows, Home and End, and jumps to a letter', async () => {
  let picked = '';
  const items = ['Sort', 'Pin', 'Hide'].map((label) => ({ label, run: () => (picked = label) }));
  render(Menu, { items, onpick: () => {} });
  const press = (key: string) => fireEvent.keyDown(screen.getByRole('menu'), { key });
  await press('ArrowDown');
  expect(document.activeElement?.textContent).toContain('Sort');
  await press('ArrowUp');
  expect(document.activeElement?.textContent).toContain('Hide');
  await press('Home');
  await press('p');
  await fireEvent.click(document.activeElement ?? document.body);
  expect(picked).toBe('Pin');
});

test('a notice is read out politely, a failure at once', async () => {
  const undone: string[] = [];
  const items = [{ id: 1, text: 'Archived.', isError: false, undo: () => void undone.push('it') }, { id: 2, text: 'Refused.', isError: true, undo: null }];
  render(Toasts, { items, onclose: () => {} });
  expect([screen.getByRole('status').textContent, screen.getByRole('alert').textContent]).toEqual([expect.stringContaining('Archived.'), expect.stringContaining('Refused.')]);
  await fireEvent.click(screen.getByText(/Undo/));
  expect(undone).toEqual(['it']);
});

test('a box over the page never leaves the screen', () => {
  const size = fc.integer({ min: 1, max: 600 });
  const anchor = fc.record({ left: fc.nat(1200), top: fc.nat(760), width: size, height: fc.integer({ min: 1, max: 40 }) });
  fc.assert(fc.property(anchor, size, size, fc.constantFrom('start' as const, 'end' as const), (box, width, height, align) => {
    const placed = placeBox(box, { width, height }, { width: 1280, height: 800 }, align);
    expect(placed.left).toBeGreaterThanOrEqual(8);
    expect(placed.left + width).toBeLessThanOrEqual(1272);
    expect(placed.top).toBeGreaterThanOrEqual(0);
    expect(placed.top + Math.min(height, placed.maxHeight)).toBeLessThanOrEqual(800);
  }));
});
