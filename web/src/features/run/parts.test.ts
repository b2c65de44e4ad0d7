import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, test } from 'vitest';
import EndBox from './EndBox.svelte';
import MediaFile from './MediaFile.svelte';
import SilenceBox from './SilenceBox.svelte';

afterEach(cleanup);
const plainEnd = { cause: 'signal', exit_code: null, signal: null, exception: null, witness: '' };

describe('how a run ended', () => {
  test('is its exception first, with the traceback folded', () => {
    const exception = { type: 'ValueError', message: '<b>bad</b>', traceback: 'line 1' };
    render(EndBox, { end: { ...plainEnd, cause: 'exception', exception, witness: 'process' }, state: 'failed', line: null });
    expect(screen.getByText('ValueError: <b>bad</b>')).toBeTruthy();
    expect(screen.getByText('Traceback').closest('details')?.open).toBe(false);
  });

  test('by a signal names it', () => {
    render(EndBox, { end: { ...plainEnd, signal: 9, witness: 'watcher' }, state: 'killed', line: null });
    expect(screen.getByText('cause signal · signal 9 (SIGKILL) · seen by the watcher')).toBeTruthy();
  });

  test('says that nobody saw it', () => {
    render(EndBox, { end: { ...plainEnd, cause: 'unknown', witness: 'nobody' }, state: 'killed', line: null });
    expect(screen.getByText('cause unknown · seen by nobody')).toBeTruthy();
  });
});

describe('a run that fell silent', () => {
  test('says when it was last heard, and that it may come back', () => {
    render(SilenceBox, { lastHeardAt: Date.now() * 1000 - 3 * 3600 * 1e6, isLost: true });
    expect(screen.getByText('Last heard 3 h ago, by its own clock.')).toBeTruthy();
    expect(screen.getByText(/running again with its next record/)).toBeTruthy();
  });

  test('of which nothing was heard says that', () => {
    render(SilenceBox, { lastHeardAt: null, isLost: true });
    expect(screen.getByText('Nothing was ever heard of it.')).toBeTruthy();
  });
});

test('a PDF is shown in the viewer of the browser, by its name', () => {
  render(MediaFile, { url: '/api/v1/runs/a/artifacts/paper.pdf?inline=1', mediaType: 'application/pdf', name: 'paper.pdf' });
  expect(screen.getByTitle('paper.pdf').getAttribute('src')).toContain('paper.pdf?inline=1');
  expect(screen.getByRole('link', { name: 'Open paper.pdf alone' })).toBeTruthy();
});

test('an image that cannot be decoded says so, and where the file is', async () => {
  const url = '/api/v1/runs/a/artifacts/broken.png?inline=1';
  const { rerender } = render(MediaFile, { url, mediaType: 'image/png', name: 'broken.png' });
  await fireEvent.error(screen.getByRole('img'));
  expect(screen.getByRole('status').textContent).toContain('broken.png cannot be shown: it is called image/png');
  expect(screen.getByRole('link', { name: 'Download it' }).getAttribute('href')).toBe(url);
  await rerender({ url: '/other.png', mediaType: 'image/png', name: 'other.png' });
  expect(screen.getByRole('img').getAttribute('src')).toBe('/other.png');
});
