import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { NativeError } from './native-error.js';
import { lastLine, run } from './run.js';
import type { Wheel } from './wheels.js';

/**
 * Downloads a wheel with the user's own pip, as it is configured. Nothing of it is executed.
 * @returns the file's path
 * @throws NativeError when Python or pip is missing, nothing matches, or the checksum differs
 */
export async function fetchWheel(wheel: Wheel, folder: string): Promise<string> {
  const python = findPython();
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '-q'];
  const target = [
    ...wheel.tags.flatMap((tag) => ['--platform', tag]),
    '--python-version',
    '3.12',
    '--implementation',
    'cp',
  ];
  const { ok, stderr } = run(python, [...args, ...target, '--dest', folder, wheel.requirement]);
  if (!ok) {
    if (/No module named pip/.test(stderr)) {
      throw new NativeError(`${python} has no pip; install it (Debian: apt install python3-pip) and try again.`);
    }
    throw new NativeError(`pip could not download ${wheel.requirement}: ${lastLine(stderr)}`);
  }
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl') && matches(name, wheel.requirement));
  if (!file) throw new NativeError(`pip downloaded no wheel for ${wheel.requirement}.`);
  const path = join(folder, file);
  if (wheel.sha256) {
    const found = await sha256(path);
    if (found !== wheel.sha256) {
      throw new NativeError(`${file} has SHA-256 ${found}, expected ${wheel.sha256}; it was not used.`);
    }
  }
  return path;
}

/** A Python 3 of the user's: MHIM_PYTHON, python3 or python. */
export function findPython(): string {
  for (const python of [process.env.MHIM_PYTHON, 'python3', 'python']) {
    if (python && run(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).ok) return python;
  }
  throw new NativeError('Python 3 was not found; install it (Debian: apt install python3 python3-pip) and try again.');
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function matches(file: string, requirement: string): boolean {
  const name = (requirement.split(/[=<>]/)[0] as string).replaceAll('-', '_');
  return file.startsWith(`${name}-`);
}
