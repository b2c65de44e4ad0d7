// How far a best value is from what a project wants to reach. Pure.
import { formatChosen, formatNumber } from './numbers';

export type GoalDirection = 'min' | 'max' | null;

export interface GoalWords {
  /** For a pill: `goal 0.95`. */
  text: string;
  /** What the goal asks for: `val/acc ≥ 0.95`. */
  rule: string;
  isReached: boolean;
  /** The rest of the way, in a sentence. */
  title: string;
}

/** Whether a value is at a goal or beyond it; without a direction nothing is. */
export function isReached(goal: number, best: number | null, direction: GoalDirection): boolean {
  if (best === null || direction === null) return false;
  return direction === 'max' ? best >= goal : best <= goal;
}

export function goalWords(metric: string, goal: number, best: number | null, direction: GoalDirection): GoalWords {
  const printed = formatChosen(goal);
  const rule = `${metric} ${direction === 'max' ? '≥ ' : direction === 'min' ? '≤ ' : ''}${printed}`;
  const reached = isReached(goal, best, direction);
  const rest = best === null || !Number.isFinite(best) ? 'nothing to compare it with yet' : `${formatNumber(Math.abs(goal - best), 2)} to go`;
  return { text: `goal ${printed}`, rule, isReached: reached, title: reached ? `Goal reached: ${rule}` : `Goal: ${rule}; ${rest}` };
}
