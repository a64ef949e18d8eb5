import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FigureError } from '../errors.js';

/** Writes a file whole or not at all: beside its place, then renamed. Text may come piece by piece. */
export async function writeWhole(
  path: string,
  content: Uint8Array | string | Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array)
      await writeFile(temporary, content, { flag: 'wx' });
    else await pipeline(Readable.from(content), createWriteStream(temporary, { flags: 'wx' }));
    await synced(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw notWritten(path, error);
  }
}

/** Makes a folder whole or not at all: `fill` gets one beside its place, which takes the place of what was there. */
export async function writeWholeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    try {
      await mkdir(temporary, { recursive: true });
    } catch (error) {
      throw notWritten(path, error);
    }
    await fill(temporary);
    await rm(path, { recursive: true, force: true });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function notWritten(path: string, cause: unknown): FigureError {
  if (cause instanceof FigureError) return cause;
  return new FigureError(`cannot be written (${cause instanceof Error ? cause.message : String(cause)}).`, {
    code: 'file',
    path,
    hint: 'Is the folder writable, and is there space on the disk?',
    cause,
  });
}
