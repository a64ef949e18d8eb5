// Everything a fresh clone needs: dependencies, build, native backend, OpenSlide. A second run skips what is done.
// Plain JavaScript without dependencies, because it runs before any are installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const env = {
  ...process.env,
  // Nx runs the packages' scripts with pnpm, which is one of our dependencies, so that nobody has to install it. Nx takes
  // node_modules/.bin off the path, hence a folder of our own.
  PATH: `${join(root, '.setup', 'bin')}${delimiter}${process.env.PATH}`,
  // One process at a time is all we need of Nx; its daemon would outlive us.
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  NX_NO_CLOUD: 'true',
  TF_CPP_MIN_LOG_LEVEL: '2',
};

/** Runs a command in the repository, output passed through. */
export function run(command, args, options = {}) {
  const { status, signal } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit', ...options });
  return signal ? 130 : (status ?? 1);
}

/** Nx targets over all projects; prints nothing but failures when `quiet`. */
export function nx(targets, { quiet = false, parallel = 2, continueOnError = false } = {}) {
  const bin = join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const fallback = join(root, 'node_modules', 'nx', 'bin', 'nx.js');
  const args = [existsSync(bin) ? bin : fallback, 'run-many', '-t', ...targets, `--parallel=${parallel}`];
  if (continueOnError) args.push('--nxBail=false');
  if (quiet) args.push('--outputStyle=static');
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (quiet && status !== 0) process.stdout.write(`${stdout}${stderr}`);
  return status ?? 1;
}

export function setup() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${process.versions.node} is too old; MHIM needs Node 20.19 or newer.`);
  }
  installDependencies();
  const start = Date.now();
  if (nx(['build'], { quiet: true }) !== 0) fail('the build failed (see above).');
  if (Date.now() - start > 5000) console.log('Packages built.');
  installNative(['install'], 'No native backend', 'Going on with the slower wasm backend.');
  installNative(['openslide'], 'No OpenSlide', 'Going on without; slides cannot be read.');
}

function installDependencies() {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'));
  const manager = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;
  const key = createHash('sha256').update(lock).update(`${manager} ${process.versions.modules}`).digest('hex');
  const stamp = join(root, '.setup', 'dependencies');
  if (existsSync(join(root, 'node_modules', 'nx')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  console.log(`Installing dependencies with ${manager} …`);
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  const args = ['--yes', manager, 'install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=error'];
  const { status, stdout, stderr, error } = spawnSync(npx, args, {
    cwd: root,
    env: { ...env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail(`dependencies could not be installed: ${error?.message ?? `${stdout}\n${stderr}`.trim()}`);
  const bin = join(root, '.setup', 'bin');
  mkdirSync(bin, { recursive: true });
  const pnpm = join(root, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  writeFileSync(join(bin, 'pnpm'), `#!/bin/sh\nexec "${process.execPath}" "${pnpm}" "$@"\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'pnpm.cmd'), `@"${process.execPath}" "${pnpm}" %*\r\n`);
  writeFileSync(stamp, key);
}

function installNative(command, without, instead) {
  const tool = join(root, 'tools', 'native', 'dist', 'cli.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...command], {
    cwd: join(root, 'tools', 'native'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  const said = stdout.trim();
  if (status === 0) {
    if (!/ready( \([CG]PU\))?\.$/.test(said)) console.log(said);
    return;
  }
  console.log(`${without} (${stderr.trim().replace(/^error: /, '')}) ${instead}`);
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup();
  console.log('Ready.');
}
