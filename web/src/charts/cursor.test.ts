import { describe, expect, test } from 'vitest';
import { SharedCursor } from './cursor.svelte';
import type { Range } from './range';

describe('SharedCursor', () => {
  test('a chart that is left takes only its own pointing away', () => {
    const cursor = new SharedCursor();
    cursor.pointAt('a', 3, 'run');
    cursor.leave('b');
    expect([cursor.x, cursor.focus]).toEqual([3, 'run']);
    cursor.leave('a');
    expect([cursor.x, cursor.focus, cursor.source]).toEqual([null, null, null]);
  });

  test('a run that was taken stays in focus, the one pointed at goes before it', () => {
    const cursor = new SharedCursor();
    cursor.take('taken');
    cursor.pointAt('a', 3, 'other');
    expect(cursor.focus).toBe('other');
    cursor.leave('a');
    expect(cursor.focus).toBe('taken');
    cursor.take('taken');
    expect(cursor.focus).toBeNull();
  });

  test('keeps its zoom where the page wants it', () => {
    let kept: Range | null = null;
    const cursor = new SharedCursor({ read: () => kept, write: (zoom) => (kept = zoom) });
    cursor.zoom = [1, 2];
    expect([kept, cursor.zoom]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const own = new SharedCursor();
    own.zoom = [3, 4];
    expect(own.zoom).toEqual([3, 4]);
  });
});
