import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/**
 * Runs `load` with the process's standard error pointed at nothing, and restores it whatever happens.
 * TensorFlow's static initialisers print two lines that no setting hides. Only on Linux, where descriptor 2 can be taken
 * over by closing and reopening it; elsewhere `load` simply runs.
 */
export function loadQuietly<T>(load: () => T): T {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (process.platform !== 'linux' || process.env.MHIM_DEBUG) return load();
  // Opening through /proc duplicates terminals and pipes, but a socket cannot be opened, and a file would get a place to write
  // of its own: what others then write into the same log would lie over our lines, unless all of them append.
  let backup: number;
  try {
    if (readlinkSync('/proc/self/fd/2').startsWith('socket:')) return load();
    const isFile = fstatSync(2).isFile();
    // Node follows no symbolic link, as long as the last thing that it looked at was a pipe; modules would load twice.
    statSync('/');
    if (isFile && !appends()) return load();
    backup = openSync('/proc/self/fd/2', 'a');
  } catch {
    return load();
  }
  replace('/dev/null');
  try {
    return load();
  } finally {
    replace(`/proc/self/fd/${backup}`);
    closeSync(backup);
  }
}

/** Whether standard error was opened with `2>>`: O_APPEND among the flags, which stand there in octal. */
function appends(): boolean {
  const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync('/proc/self/fdinfo/2', 'utf8')) ?? [];
  return (Number.parseInt(flags, 8) & 0o2000) !== 0;
}

/** Closes descriptor 2 and opens `path`, which gets the lowest free number: 2 again. */
function replace(path: string): void {
  closeSync(2);
  const opened = openSync(path, 'a');
  if (opened !== 2) throw new Error(`descriptor 2 was taken by another thread, got ${opened}`);
}
