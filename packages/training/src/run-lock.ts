import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';

/**
 * Makes this process the only one that trains into `folder`. A lock whose process is gone is taken over.
 * @returns what releases it
 * @throws MhimError `config` when another process holds it
 */
export function lockRun(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, '.lock');
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, JSON.stringify({ pid: process.pid, host: hostname() }));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (!isStale(path)) break;
      rmSync(path, { force: true });
    }
  }
  throw new MhimError('another process is training into this folder.', {
    code: 'config',
    path: folder,
    hint: `Wait for it, choose another folder, or delete ${path} if it was on another machine that is gone.`,
  });
}

function isStale(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    const { pid, host } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; host: string };
    if (host !== hostname()) return false;
    if (pid === process.pid) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // No such process, or a lock that was cut off while it was written.
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
}
