import { beforeEach, expect, test } from 'vitest';
import { Selection, selectionOf } from './selection.svelte';
import { neighbourOf, setTrail } from './trail.svelte';
import { closeToast, dropToast, forgetChanges, showToast, toasts, undoNewest } from './toasts.svelte';
import { nameOfKey, printKeys } from './keys.svelte';

beforeEach(() => sessionStorage.clear());

test('a selection is the same object wherever its project is asked for', () => {
  selectionOf('n/p').toggle('a');
  expect(selectionOf('n/p').has('a')).toBe(true);
  expect(selectionOf('n/q').size).toBe(0);
});

test('taking single runs ends "everything that matches"', () => {
  const selection = new Selection('s');
  selection.addAll(['a', 'b']);
  selection.isAllMatching = true;
  selection.toggle('a');
  expect([selection.isAllMatching, [...selection.ids]]).toEqual([false, ['b']]);
});

test('what was taken is taken again, all that matched included, unless something else was since', () => {
  const selection = new Selection('again');
  selection.addAll(['a', 'b']);
  selection.takeMatching({ total: 200, compare: () => {} });
  expect(selection.count).toBe(200);
  const taken = selection.copy();
  selection.clear();
  expect(selection.count).toBe(0);
  selection.restore(taken);
  expect([selection.count, [...selection.ids], selection.isAllMatching]).toEqual([200, ['a', 'b'], true]);
  selection.clear();
  selection.addAll(['c']);
  selection.restore(taken);
  expect([...selection.ids]).toEqual(['c']);
});

test('of all that match a reload keeps nothing, and never a part', () => {
  const selection = new Selection('all');
  selection.addAll(['a', 'b']);
  selection.takeMatching({ total: 200, compare: () => {} });
  expect(selectionOf('all').size).toBe(0);
});

test('a selection outlives a reload of the tab', () => {
  const selection = new Selection('kept');
  selection.addAll(['a', 'b', 'c']);
  selection.removeAll(['b']);
  expect(selectionOf('kept').size).toBe(2);
  selection.clear();
  expect(sessionStorage.getItem('everbloom:selection:kept')).toBe('[]');
});

test('the neighbours of a run are those of the list it was opened from', () => {
  setTrail(['a', 'b', 'c']);
  expect([neighbourOf('b', 1), neighbourOf('b', -1), neighbourOf('c', 1), neighbourOf('x', 1)]).toEqual(['c', 'a', null, null]);
});

test('undo takes back the newest thing that can be taken back, once', () => {
  forgetChanges();
  const undone: string[] = [];
  // Other tests of this worker may have said something that can be undone, too.
  for (const toast of [...toasts]) closeToast(toast.id);
  showToast('first', { undo: () => void undone.push('first') });
  showToast('second', { undo: () => void undone.push('second') });
  showToast('no way back');
  expect([undoNewest(), undoNewest(), undoNewest()]).toEqual([true, true, false]);
  expect(undone).toEqual(['second', 'first']);
});

test('a change can be taken back when its notice is gone, one that never came to be cannot', () => {
  forgetChanges();
  const undone: string[] = [];
  closeToast(showToast('kept', { undo: () => void undone.push('kept') }));
  dropToast(showToast('refused', { undo: () => void undone.push('refused') }));
  expect([undoNewest(), undoNewest()]).toEqual([true, false]);
  expect(undone).toEqual(['kept']);
});

test('no more than three notices stand on the screen', () => {
  for (const toast of [...toasts]) closeToast(toast.id);
  for (const text of ['a', 'b', 'c', 'd']) showToast(text);
  expect(toasts.map((toast) => toast.text)).toEqual(['b', 'c', 'd']);
});

test.each([
  [{ key: 'j' }, 'J'], [{ key: 'X', shiftKey: true }, 'Shift+X'], [{ key: '?', shiftKey: true }, '?'], [{ key: ' ' }, 'Space'], [{ key: 'k', metaKey: true }, 'Mod+K'],
  [{ key: 'ArrowLeft', shiftKey: true }, 'Shift+ArrowLeft'], [{ key: '/' }, '/'],
])('%j is the key %s', (event, name) => {
  expect(nameOfKey({ shiftKey: false, metaKey: false, ctrlKey: false, altKey: false, ...event })).toBe(name);
});

test('keys are printed as they stand on the keyboard', () => {
  expect([printKeys('Mod+K'), printKeys('Shift+X'), printKeys('ArrowDown')]).toEqual(['Ctrl K', '⇧ X', '↓']);
});
