import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { makeFolder, MhimError } from '@mhim/tensor';

interface Holder {
  pid: number;
  host: string;
  /** When the process began, in the system's own count; tells a process from a later one with the same number. */
  began?: string;
}

/**
 * Folders that this process has locked, and what it wrote there: a lock with our number that is not among them was left by an
 * earlier process.
 */
const held = new Map<string, string>();
/** Of those, the ones that somebody else took over in the meantime. */
const lost = new Set<string>();
/** A lock without content this old was cut off while it was written. */
const UNWRITTEN_MS = 5000;
/** How often a holder gives a sign of life: it touches its file. */
const RENEWED_MS = 15_000;
/**
 * After how long without one the lock of another machine, whose processes cannot be asked after, is abandoned. Clocks that differ by
 * less do no harm.
 */
const ABANDONED_MS = 10 * 60_000;

let renewal: NodeJS.Timeout | undefined;

/**
 * Makes this process the only one that trains into `folder`. A lock whose process is gone is taken over, and so is one of another
 * machine that was not renewed for ten minutes. A lock renews itself every 15 seconds, for which the work must give the event loop a
 * turn now and then, and goes when the process exits, however that comes about unless it is killed.
 * @returns what releases it
 * @throws MhimError `busy` when another process holds it
 */
export function lockRun(folder: string): () => void {
  makeFolder(folder);
  const path = lockOf(folder);
  const holder: Holder = { pid: process.pid, host: hostname(), began: beginning(process.pid) };
  // Before the file is there: a process that is killed before it writes leaves a lock of which nobody knows whose it was.
  const content = JSON.stringify(holder);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, content);
      closeSync(file);
      hold(path, content);
      return () => release(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (!removeStale(path)) break;
    }
  }
  throw new MhimError(`another process is training into this folder${described(path)}.`, {
    code: 'busy',
    path: folder,
    hint: `Wait for it, choose another folder, or delete ${path} if that process is gone.`,
  });
}

/**
 * A process that stood still for ten minutes may have lost its folder to another machine.
 * @throws MhimError `busy` when a lock of this process was taken over
 */
export function requireLock(folder: string): void {
  const path = lockOf(folder);
  if (!lost.has(path)) return;
  throw new MhimError('the lock of this folder was taken over or deleted while this process stood still.', {
    code: 'busy',
    path: folder,
    hint: 'Run it again when the other process is done.',
  });
}

function lockOf(folder: string): string {
  return resolve(join(folder, '.lock'));
}

function hold(path: string, content: string): void {
  if (held.size === 0) {
    renewal = setInterval(renew, RENEWED_MS).unref();
    process.on('exit', releaseAll);
  }
  held.set(path, content);
  lost.delete(path);
}

function release(path: string): void {
  const content = held.get(path);
  if (content === undefined) return;
  if (read(path) === content) rmSync(path, { force: true });
  held.delete(path);
  lost.delete(path);
  if (held.size > 0) return;
  clearInterval(renewal);
  process.off('exit', releaseAll);
}

function releaseAll(): void {
  for (const path of [...held.keys()]) release(path);
}

function renew(): void {
  const now = new Date();
  for (const [path, content] of held) {
    try {
      if (readFileSync(path, 'utf8') === content) utimesSync(path, now, now);
      else lost.add(path);
    } catch (error) {
      // A file server that does not answer now may do so next time.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') lost.add(path);
    }
  }
}

/** Removes a lock that nobody holds; false when somebody does. */
function removeStale(path: string): boolean {
  const content = read(path);
  if (content === undefined) return true;
  if (!isStale(path, content)) return false;
  // Two processes may come to this conclusion at once. Only one of them can move the file away, and what it moved must
  // still be the stale lock, not the other's new one, nor one that was renewed just now.
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  const moved = read(aside);
  if (moved !== content || !isStale(aside, moved)) {
    renameSync(aside, path);
    return false;
  }
  rmSync(aside, { force: true });
  return true;
}

function isStale(path: string, content: string): boolean {
  const holder = parsed(content);
  if (!holder) return silence(path) > UNWRITTEN_MS;
  const { pid, host, began } = holder;
  if (host !== hostname()) return silence(path) > ABANDONED_MS;
  if (pid === process.pid) return !held.has(path);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
  return began !== undefined && began !== beginning(pid);
}

/** Who holds a lock, and of another machine since when nothing was heard of it. */
function described(path: string): string {
  const holder = parsed(read(path) ?? '');
  if (!holder) return '';
  if (holder.host === hostname()) return `: process ${holder.pid} of this machine`;
  const age = silence(path);
  const clock = (time: number) => new Date(time).toISOString().slice(0, 19).replace('T', ' ');
  const renewed = Date.now() - age;
  return `: process ${holder.pid} on ${holder.host}, whose last sign of life was ${Math.round(age / 1000)} s ago; without another it counts as abandoned at ${clock(renewed + ABANDONED_MS)} UTC`;
}

function parsed(content: string): Holder | undefined {
  try {
    return JSON.parse(content) as Holder;
  } catch {
    return undefined;
  }
}

/** Milliseconds since the holder touched its file. */
function silence(path: string): number {
  return Math.max(0, Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0));
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
