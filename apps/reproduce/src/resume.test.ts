import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBagStore } from '@mhim/datasets';
import { expect, test } from 'vitest';
import { temporaryFolder, tinySlides } from './test-helpers.js';

const cli = join(import.meta.dirname, '../dist/cli.js');
const at = temporaryFolder();

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** Trains in a process of its own, which is killed when `until` says so. */
function train(out: string, until: () => boolean = () => false): Promise<Ended> {
  const args = ['--data', at('slides'), '--model', 'mhim-v2', '--base', 'ab-mil', '--k', '2', '--epochs', '6'];
  const child = spawn(process.execPath, [cli, 'train', ...args, '--checkpoint-seconds', '0', '--out', out]);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const watch = setInterval(() => until() && child.kill('SIGKILL'), 2);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      done({ code, signal, ...said });
    });
  });
}

// The program is there after a build only, which `npm test` makes first.
test.skipIf(!existsSync(cli))(
  'killed with SIGKILL in a fold, the same command ends with the same bytes',
  async () => {
    await writeBagStore(at('slides'), tinySlides());
    const [whole, killed] = [at('whole'), at('killed')];
    const midway = join(killed, 'fold-1', 'paper', 'mhim-v2');
    const [alone, first] = await Promise.all([
      train(whole),
      train(killed, () => existsSync(join(midway, 'state.previous.safetensors'))),
    ]);
    expect(alone).toMatchObject({ code: 0, signal: null });
    expect(first.signal).toBe('SIGKILL');
    expect(existsSync(join(midway, 'result.json'))).toBe(false);
    expect(existsSync(join(killed, 'results.json'))).toBe(false);

    const second = await train(killed);
    expect(second.code).toBe(0);
    // Finished stages are not trained again.
    expect(second.err).not.toContain('fold 1/2');
    expect(second.err).toContain('fold 2/2 paper mhim-v2');
    const stage = (run: string, ...parts: string[]) => readFileSync(join(run, 'fold-1', 'paper', 'mhim-v2', ...parts));
    for (const file of ['results.json', 'predictions.csv', 'folds.json', 'data.json', 'config.json'])
      expect(readFileSync(join(killed, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
    for (const file of ['best.safetensors', 'last.safetensors', 'metrics.jsonl', 'result.json'])
      expect(stage(killed, file).equals(stage(whole, file)), file).toBe(true);
    expect(readdirSync(killed).sort()).toEqual(readdirSync(whole).sort());
  },
  120_000,
);
