import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { MhimError } from '../errors.js';

/** The system writes at most 2 GiB at once. */
const MAX_WRITE = 2 ** 30;

/**
 * Writes a file so that whoever reads it, at any moment and after any crash, finds the old content or the new, never a part:
 * a temporary file in the same folder is written, synced, renamed over the target, and the folder synced.
 * @throws MhimError `file-missing` when the folder does not exist or cannot be written to, `config` when the path is a folder
 */
export function writeFileAtomic(path: string, content: string | Uint8Array | Iterable<Uint8Array>): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  const file = create(temporary, path);
  try {
    const chunks =
      typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
    for (const chunk of chunks) {
      for (let written = 0; written < chunk.length;)
        written += writeSync(file, chunk, written, Math.min(chunk.length - written, MAX_WRITE));
    }
    fsyncSync(file);
    closeSync(file);
    moveOver(temporary, path);
  } catch (error) {
    try {
      closeSync(file);
    } catch {
      // Already closed.
    }
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

function create(temporary: string, path: string): number {
  try {
    return openSync(temporary, 'wx');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MhimError(code === 'ENOENT' ? 'its folder does not exist.' : `cannot be written (${code}).`, {
      code: 'file-missing',
      path,
      hint: 'Create the folder, or choose one that you may write to.',
      cause,
    });
  }
}

function moveOver(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (cause) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw cause;
    throw new MhimError('is a folder, expected a file.', {
      code: 'config',
      path,
      hint: 'Name a file in it, or another one.',
      cause,
    });
  }
}

function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    fsyncSync(handle);
    closeSync(handle);
  } catch {
    // Windows cannot open folders; the rename is then as durable as the system makes it.
  }
}
