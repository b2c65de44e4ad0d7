/**
 * A run's console, by windows of lines: what is in sight is asked for, a few windows are kept, the rest is not here. So a
 * gigabyte costs what a page costs. While the run prints, the end is followed unless somebody scrolled up.
 */
import { toApiError, type ApiError } from '@/api/client';
import { readConsole, readConsoleTail, searchConsole } from '@/api/run-resources';
import type { ConsoleMatches } from '@/api/run-types';
import { WINDOW_LINES, windowsOf } from './console-window';

const KEPT_WINDOWS = 24;

export class ConsoleModel {
  total = $state<number | null>(null);
  isLive = $state(false);
  error = $state.raw<ApiError | null>(null);
  matches = $state.raw<ConsoleMatches | null>(null);
  /** Rises when lines arrived, so that those who show them read anew. */
  version = $state(0);
  private readonly windows = new Map<number, readonly string[]>();
  private readonly asked = new Set<number>();

  constructor(readonly id: string) {}

  /** Ask how long it is by now, and for what grew of the windows that are kept. */
  async refresh(): Promise<void> {
    await this.guard(async () => {
      const found = await readConsoleTail(this.id, 1);
      this.total = found.total_lines;
      this.isLive = found.is_live;
      this.version += 1;
      // A window that was the last may have grown; until it is read anew, what it had is shown.
      for (const [number, lines] of this.windows) {
        const wanted = Math.min(WINDOW_LINES, found.total_lines - number * WINDOW_LINES);
        if (lines.length < wanted && !this.asked.has(number)) void this.readWindow(number);
      }
    });
  }

  /** A line from 0; null while it is on its way. */
  lineOf(index: number): string | null {
    return this.windows.get(Math.floor(index / WINDOW_LINES))?.[index % WINDOW_LINES] ?? null;
  }

  /** Ask for the windows that hold these lines and are not here. */
  ensure(from: number, to: number): void {
    if (to <= from) return;
    for (const number of windowsOf(from, to)) {
      if (!this.windows.has(number) && !this.asked.has(number)) void this.readWindow(number);
    }
  }

  async search(words: string): Promise<void> {
    if (words.trim() === '') {
      this.matches = null;
      return;
    }
    await this.guard(async () => {
      this.matches = await searchConsole(this.id, words);
    });
  }

  private async readWindow(number: number): Promise<void> {
    this.asked.add(number);
    await this.guard(async () => {
      const found = await readConsole(this.id, number * WINDOW_LINES + 1, WINDOW_LINES);
      this.windows.set(number, found.lines);
      this.total = Math.max(this.total ?? 0, found.total_lines);
      this.trim(number);
      this.version += 1;
    });
    this.asked.delete(number);
  }

  private trim(near: number): void {
    const far = [...this.windows.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near));
    for (const number of far.slice(0, Math.max(0, this.windows.size - KEPT_WINDOWS))) this.windows.delete(number);
  }

  private async guard(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.error = null;
    } catch (cause) {
      this.error = toApiError(cause);
    }
  }
}
