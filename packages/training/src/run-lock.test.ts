import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lockRun, requireLock } from './run-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhim-lock-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});
const path = () => join(folder, '.lock');
const leave = (holder: object) => writeFileSync(path(), JSON.stringify(holder));
const touched = (secondsAgo: number) => utimesSync(path(), new Date(), new Date(Date.now() - 1000 * secondsAgo));

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

test('leaves alone the lock of a living process', () => {
  leave({ pid: process.ppid, host: hostname() });
  expect(() => lockRun(folder)).toThrow(`process ${process.ppid} of this machine`);
});

test('the lock of another machine is held while it is renewed, abandoned after ten minutes without', () => {
  leave({ pid: 17, host: 'elsewhere' });
  touched(590);
  expect(() => lockRun(folder)).toThrow(
    /process 17 on elsewhere, whose last sign of life was 590 s ago; .*abandoned at 20\d\d-\d\d-\d\d [\d:]+ UTC\. .*delete .*\.lock if/,
  );
  touched(610);
  const release = lockRun(folder);
  expect(JSON.parse(readFileSync(path(), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
  release();
});

test('a holder renews its lock every 15 seconds', () => {
  vi.useFakeTimers();
  const release = lockRun(folder);
  touched(500);
  vi.advanceTimersByTime(15_000);
  expect(Math.abs(Date.now() - statSync(path()).mtimeMs)).toBeLessThan(5000);
  requireLock(folder);
  release();
});

test.each([
  ['taken over', () => leave({ pid: 17, host: 'elsewhere' })],
  ['deleted', () => rmSync(path())],
])('a holder whose lock was %s says so, and leaves what is there alone', (_, change) => {
  vi.useFakeTimers();
  const release = lockRun(folder);
  change();
  const left = existsSync(path());
  vi.advanceTimersByTime(15_000);
  expect(() => requireLock(folder)).toThrow(expect.objectContaining({ code: 'busy' }) as Error);
  release();
  expect(existsSync(path())).toBe(left);
});

test('a process that is made to exit leaves no lock', async () => {
  const built = join(import.meta.dirname, '../.reports/run-lock');
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: join(import.meta.dirname, 'run-lock.ts'), outDir: built, target: 'node20' },
    ssr: {
      noExternal: [/^@mhim\//],
      resolve: { conditions: ['@mhim/source', 'node', 'import', 'module', 'default'] },
    },
  });
  const program = `
    import { existsSync } from 'node:fs';
    import { lockRun } from ${JSON.stringify(join(built, 'run-lock.js'))};
    lockRun(${JSON.stringify(folder)});
    process.stdout.write(String(existsSync(${JSON.stringify(path())})));
    process.exit(3);
  `;
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect([ended.status, ended.stdout, ended.stderr]).toEqual([3, 'true', '']);
  expect(existsSync(path())).toBe(false);
});

test('a lock that is just being written is held', () => {
  writeFileSync(path(), '');
  expect(() => lockRun(folder)).toThrow(/another process/);
});
