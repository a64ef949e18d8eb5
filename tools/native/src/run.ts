import { spawnSync } from 'node:child_process';

export interface Outcome {
  ok: boolean;
  stdout: string;
  stderr: string;
  /** Whether the program was found at all. */
  found: boolean;
}

/** Runs a program to its end and says how it went. */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const found = (error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT';
  return { ok: status === 0, stdout: stdout ?? '', stderr: stderr ?? '', found };
}

/** The last line that says something. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
