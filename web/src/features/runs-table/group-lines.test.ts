import fc from 'fast-check';
import { expect, test } from 'vitest';
import { membersBetween, placeOf, startsOf, type LinePlace } from './group-lines';

const parts = fc.array(fc.record({ members: fc.nat(5) }), { maxLength: 12 });

function linesOf(list: readonly { members: number }[]): LinePlace[] {
  return list.flatMap(({ members }, group): LinePlace[] => [{ kind: 'group', group }, ...Array.from({ length: members }, (_, at): LinePlace => ({ kind: 'member', group, at }))]);
}

test('every line is a group or a member of the group above it', () => {
  fc.assert(fc.property(parts, (list) => {
    const lines = linesOf(list);
    const starts = startsOf(list);
    expect(starts.at(-1)).toBe(lines.length);
    expect(lines.map((_, line) => placeOf(starts, line))).toEqual(lines);
    expect([placeOf(starts, -1), placeOf(starts, lines.length)]).toEqual([null, null]);
  }));
});

test('members between two lines are just those that stand there', () => {
  fc.assert(fc.property(parts, fc.nat(40), fc.nat(40), (list, a, b) => {
    const [first, last] = [Math.min(a, b), Math.max(a, b)];
    const wanted = linesOf(list).slice(first, last + 1).filter((line) => line.kind === 'member');
    const found = membersBetween(startsOf(list), first, last).flatMap(({ group, from, to }) => Array.from({ length: to - from + 1 }, (_, step) => ({ kind: 'member', group, at: from + step })));
    expect(found).toEqual(wanted);
  }));
});
