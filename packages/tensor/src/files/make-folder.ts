import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MhimError } from '../errors.js';

/**
 * Makes a folder, and those above it, where they are missing.
 * @throws MhimError `config` where a file is in the way, or where nothing may be written
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    const file = fileOnTheWay(path);
    throw new MhimError(
      file === undefined
        ? `the folder cannot be made (${(cause as NodeJS.ErrnoException).code}).`
        : 'is a file, expected a folder.',
      {
        code: 'config',
        path: file ?? path,
        hint: file === undefined ? 'Choose one that you may write to.' : 'Choose another folder.',
        cause,
      },
    );
  }
}

/** The path itself or the nearest above it that is there, if that is no folder. */
function fileOnTheWay(path: string): string | undefined {
  const found = kindOf(path);
  if (found !== undefined) return found.isDirectory() ? undefined : path;
  const above = dirname(path);
  return resolve(above) === resolve(path) ? undefined : fileOnTheWay(above);
}

function kindOf(path: string): ReturnType<typeof statSync> | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Below a file there is nothing.
    return undefined;
  }
}
