import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockRun } from './run-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhim-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const path = () => join(folder, '.lock');
const leave = (holder: object) => writeFileSync(path(), JSON.stringify(holder));

test('one holder at a time', () => {
  const release = lockRun(folder);
  expect(() => lockRun(folder)).toThrow(
    expect.objectContaining({
      code: 'busy',
      message: expect.stringMatching(/another process is training into this folder/) as string,
    }) as Error,
  );
  release();
  lockRun(folder)();
  expect(existsSync(path())).toBe(false);
});

test.each([
  ['a process that is gone', { pid: 2 ** 22 + 1, host: hostname() }],
  ['an earlier process with our number', { pid: process.pid, host: hostname(), began: '1' }],
])('takes over the lock of %s', (_, holder) => {
  leave(holder);
  const release = lockRun(folder);
  expect((JSON.parse(readFileSync(path(), 'utf8')) as { pid: number }).pid).toBe(process.pid);
  release();
});

test('leaves alone the lock of a living process and of another machine', () => {
  leave({ pid: process.ppid, host: hostname() });
  expect(() => lockRun(folder)).toThrow(/another process/);
  leave({ pid: 2 ** 22 + 1, host: 'elsewhere' });
  expect(() => lockRun(folder)).toThrow(/delete .*\.lock if it was on another machine/);
});

test('a lock that is just being written is held', () => {
  writeFileSync(path(), '');
  expect(() => lockRun(folder)).toThrow(/another process/);
});
