import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-helpers.js';

const cli = join(import.meta.dirname, '../../dist/cli.js');
const at = temporaryFolder();

interface Ended {
  code: number | null;
  err: string;
}

/** A command in a process of its own, which gets a signal when `until` says so. */
function start(args: readonly string[], signal: NodeJS.Signals = 'SIGKILL', until: () => boolean = () => false) {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  let sent = false;
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const watch = setInterval(() => {
    if (!sent && until()) sent = child.kill(signal);
  }, 5);
  return new Promise<Ended>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      clearInterval(watch);
      done({ code, err });
    });
  });
}

const sweep = (out: string, ...more: string[]) => [
  ...[
    'table',
    '8',
    '--simulated',
    '--slides',
    '8',
    '--folds',
    '0',
    '--only',
    'R50',
    '--only',
    'AB.',
    '--only',
    'CAMELYON',
  ],
  ...['--out', at(out), ...more],
];
const results = (out: string) =>
  existsSync(at(out, 'jobs'))
    ? readdirSync(at(out, 'jobs')).filter((id) => existsSync(at(out, 'jobs', id, 'result.json')))
    : [];

// The program is there after a build only, which `npm test` makes first.
test.skipIf(!existsSync(cli))(
  'a sweep that is killed goes on where it was, in one process or several, to the same bytes',
  async () => {
    const [whole, killed] = await Promise.all([
      start(sweep('whole')),
      start(sweep('killed'), 'SIGKILL', () => results('killed').length >= 1),
    ]);
    expect(whole.code, whole.err).toBe(0);
    expect(killed.code).toBe(null);
    const before = results('killed');
    expect(before.length).toBeLessThan(3);
    const second = await start(sweep('killed', '--jobs', '2'));
    expect(second.code, second.err).toBe(0);
    expect(second.err).toContain('[3/3]');
    expect(second.err.match(/^\[\d\/3\]/gm)).toHaveLength(3 - before.length);
    expect(results('killed').sort()).toEqual(results('whole').sort());
    for (const id of results('whole'))
      expect(
        readFileSync(at('killed', 'jobs', id, 'result.json')).equals(
          readFileSync(at('whole', 'jobs', id, 'result.json')),
        ),
      ).toBe(true);
    const table = (out: string) => readFileSync(at(out, 'table-8.csv'), 'utf8');
    expect(table('killed')).toBe(table('whole'));
  },
  120_000,
);

test.skipIf(!existsSync(cli)).each(['SIGUSR1', 'SIGTERM'] as const)(
  'a job that gets %s keeps its checkpoint and ends with 75',
  async (signal) => {
    const out = `signal-${signal}`;
    const planned = await start(['plan', ...sweep(out, '--epochs', '400')]);
    expect(planned.code, planned.err).toBe(0);
    const run = ['run', '--plan', at(out, 'jobs.jsonl'), '--job', '0', '--checkpoint-seconds', '0'];
    const [id] = readFileSync(at(out, 'jobs.jsonl'), 'utf8').match(/(?<="id":")\w+/) as [string];
    const checkpoint = () => existsSync(at(out, 'jobs', id, 'fold-0', 'paper', 'ab-mil', 'state.previous.safetensors'));
    const stopped = await start(run, signal, checkpoint);
    expect(stopped.code, stopped.err).toBe(75);
    expect(checkpoint()).toBe(true);
    expect(results(out)).toEqual([]);
    expect(readdirSync(at(out), { recursive: true }).filter((path) => String(path).endsWith('.lock'))).toEqual([]);
  },
  120_000,
);
