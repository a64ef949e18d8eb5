import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulatedSlides, type SimulatedSlides } from '@mhim/datasets';
import { afterAll, vi } from 'vitest';
import { report } from './failure.js';
import { createProgram } from './program.js';

export interface Outcome {
  /** Exit code. */
  code: number;
  /** Standard output and error. */
  out: string;
  err: string;
}

/** Runs a command line in this process, as `cli.ts` does in its own. */
export async function reproduce(...args: string[]): Promise<Outcome> {
  const said = { out: '', err: '' };
  const listen = (stream: NodeJS.WriteStream, name: 'out' | 'err') =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    });
  const spies = [listen(process.stdout, 'out'), listen(process.stderr, 'err')];
  let code = 0;
  try {
    await createProgram({ signal: new AbortController().signal }).parseAsync(args, { from: 'user' });
  } catch (error) {
    code = report(error);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { code, ...said };
}

/** A folder that is removed after the tests of the file; gives paths in it. */
export function temporaryFolder(): (...parts: string[]) => string {
  const folder = mkdtempSync(join(tmpdir(), 'mhim-reproduce-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (...parts) => join(folder, ...parts);
}

/** Slides so small that a training takes a second. */
export function tinySlides(slides = 8): SimulatedSlides {
  return simulatedSlides({ slides, seed: 3, instances: [4, 8], width: 8, difficulty: 'easy' });
}
