import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { countProgress } from './progress.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('without a terminal a count is a line now and then, with the time left', () => {
  const lines: string[] = [];
  const stream = { isTTY: false, write: (text: string) => lines.push(text) > 0 } as unknown as NodeJS.WriteStream;
  const progress = countProgress('Reading', stream);
  for (let done = 1; done <= 60; done++) {
    vi.advanceTimersByTime(1000);
    progress.update(done, 120);
  }
  progress.stop();
  expect(lines).toEqual([
    'Reading: 15/120  2 min left\n',
    'Reading: 30/120  2 min left\n',
    'Reading: 45/120  75 s left\n',
    'Reading: 60/120  60 s left\n',
  ]);
});
