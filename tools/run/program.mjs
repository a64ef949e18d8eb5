// Runs one of our programs after the set-up, with the caller's arguments, exit code and signals.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

export function program(path, leading = []) {
  setup();
  const child = spawn(process.execPath, [join(root, path), ...leading, ...process.argv.slice(2)], {
    cwd: process.env.INIT_CWD ?? root,
    stdio: 'inherit',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '2' },
  });
  // The terminal signals the child too; we only wait for it to end in its own way.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)));
}
