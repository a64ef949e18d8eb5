import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { MhimError } from '@mhim/tensor';

interface Holder {
  pid: number;
  host: string;
  /** When the process began, in the system's own count; tells a process from a later one with the same number. */
  began?: string;
}

/** Folders that this process has locked: a lock with our number that is not among them was left by an earlier process. */
const held = new Set<string>();
/** A lock without content this old was cut off while it was written. */
const UNWRITTEN_MS = 5000;

/**
 * Makes this process the only one that trains into `folder`. A lock whose process is gone is taken over.
 * @returns what releases it
 * @throws MhimError `busy` when another process holds it
 */
export function lockRun(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = resolve(join(folder, '.lock'));
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, 'wx');
      const holder: Holder = { pid: process.pid, host: hostname(), began: beginning(process.pid) };
      writeSync(file, JSON.stringify(holder));
      closeSync(file);
      held.add(path);
      return () => {
        if (held.delete(path)) rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (!removeStale(path)) break;
    }
  }
  throw new MhimError('another process is training into this folder.', {
    code: 'busy',
    path: folder,
    hint: `Wait for it, choose another folder, or delete ${path} if it was on another machine that is gone.`,
  });
}

/** Removes a lock that nobody holds; false when somebody does. */
function removeStale(path: string): boolean {
  const content = read(path);
  if (content === undefined) return true;
  if (!isStale(path, content)) return false;
  // Two processes may come to this conclusion at once. Only one of them can move the file away, and what it moved must
  // still be the stale lock, not the other's new one.
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  const moved = read(aside);
  if (moved !== content) {
    renameSync(aside, path);
    return false;
  }
  rmSync(aside, { force: true });
  return true;
}

function isStale(path: string, content: string): boolean {
  let holder: Holder;
  try {
    holder = JSON.parse(content) as Holder;
  } catch {
    return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > UNWRITTEN_MS;
  }
  const { pid, host, began } = holder;
  if (host !== hostname()) return false;
  if (pid === process.pid) return !held.has(path);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
  return began !== undefined && began !== beginning(pid);
}

/** The kernel's start time of a process, where there is a /proc. */
function beginning(pid: number): string | undefined {
  const status = read(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets and may hold anything.
  return status?.slice(status.lastIndexOf(')') + 2).split(' ')[19];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
