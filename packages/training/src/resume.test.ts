import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from 'vite';

const child = join(import.meta.dirname, '../.reports/resume-child/resume-child.js');
const STEPS = 120;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhim-resume-'));
  const conditions = ['@mhim/source', 'node', 'import', 'module', 'default'];
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: join(import.meta.dirname, 'resume-child.ts'), outDir: join(child, '..'), target: 'node20' },
    ssr: { noExternal: [/^@mhim\//], resolve: { conditions } },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Trains in a process of its own and kills that at its `killAt`-th step; resolves to the number of steps it was heard to do. */
function train(into: string, killAt = Infinity): Promise<{ steps: number; signal: NodeJS.Signals | null }> {
  return new Promise((done, fail) => {
    const process_ = spawn(process.execPath, [child, into], { stdio: ['ignore', 'pipe', 'pipe'] });
    let steps = 0;
    let errors = '';
    process_.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    process_.stdout.on('data', (chunk: Buffer) => {
      steps += chunk.length;
      if (steps >= killAt) process_.kill('SIGKILL');
    });
    process_.on('error', fail);
    process_.on('close', (code, signal) => {
      if (code !== 0 && signal === null) fail(new Error(errors));
      else done({ steps, signal });
    });
  });
}

test('killed with SIGKILL again and again, a run ends with the same bytes as one that was left alone', async () => {
  const whole = join(folder, 'whole');
  const killed = join(folder, 'killed');
  const [alone] = await Promise.all([train(whole), train(killed, 37)]);
  expect(alone).toEqual({ steps: STEPS, signal: null });
  let steps = 0;
  for (const killAt of [1, 45]) {
    const outcome = await train(killed, killAt);
    expect(outcome.signal).toBe('SIGKILL');
    steps += outcome.steps;
  }
  const last = await train(killed);
  expect(last.signal).toBe(null);
  // It went on, it did not begin again.
  expect(last.steps).toBeLessThan(STEPS - steps + 20);
  for (const file of ['metrics.jsonl', 'result.json', 'best.safetensors', 'last.safetensors', 'identity.json']) {
    expect(readFileSync(join(killed, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
  }
  expect(readdirSync(killed).sort()).toEqual(readdirSync(whole).sort());
});
