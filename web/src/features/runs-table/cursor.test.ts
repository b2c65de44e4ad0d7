import { expect, test } from 'vitest';
import { findLine } from './cursor.svelte';

const names = ['a', 'b', undefined, 'd', 'e'];
const find = (name: string, near: number) => findLine(name, near, names.length, (line) => names[line]);

test('a row is found where it was, or near there where others came or went', () => {
  expect([find('b', 1), find('d', 1), find('a', 4)]).toEqual([1, 3, 0]);
});

test('what is gone is given up, what may still come is waited for', () => {
  expect([find('z', 3), find('z', 2), find('z', 99)]).toEqual([null, undefined, null]);
});
