import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const dist = fileURLToPath(new URL('../dist/index.js', import.meta.url));

/** Chooses a backend in a process of its own; its standard error comes after its output. */
function choose(env: Record<string, string>, before = '', { redirect = '>>', after = ':' } = {}): string {
  const script = `${before}
    const { useBackend, Rng } = await import(${JSON.stringify(dist)});
    try {
      const info = await useBackend();
      const works = new Rng(1).uniform([1]).dataSync()[0] < 1;
      console.log([info.name, info === (await useBackend()), works].join(' '));
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  // Through a file: a pipe to Node is a socket, on which the library's own lines cannot be hidden.
  const program = `{ "$0" --input-type=module -e "$1"; ${after}; }`;
  const shell =
    redirect === '|' ? `${program} 2>&1 | cat` : `err=$(mktemp); ${program} 2${redirect}"$err"; cat "$err"; rm "$err"`;
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  return spawnSync('/bin/sh', ['-c', shell, process.execPath, script], options).stdout;
}

const withoutNative = `
  import { Module } from 'node:module';
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (name, ...rest) {
    if (name === '@tensorflow/tfjs-node-gpu') throw new Error('Cannot find module');
    return resolve.call(this, name, ...rest);
  };`;

// These need the built package, which `npm test` always has.
describe.runIf(existsSync(dist) && process.platform === 'linux')('useBackend', () => {
  test('takes the native library and says so in one line, with nothing else on stderr', () => {
    expect(choose({ MHIM_BACKEND: '' })).toMatch(/^(cpu|gpu) true true\nBackend: TensorFlow on (CPU|GPU)\.\n$/);
  });

  test('leaves a log that others write into too as it is', () => {
    const said = choose({ MHIM_BACKEND: '' }, '', { redirect: '>', after: 'echo later >&2' });
    expect(said).toMatch(/\nBackend: TensorFlow on (CPU|GPU)\.\nlater\n$/);
  });

  test('and so it does into a pipe', () => {
    expect(choose({ MHIM_BACKEND: '' }, '', { redirect: '|' }).split('\n').sort()).toEqual([
      '',
      expect.stringMatching(/^Backend: TensorFlow on (CPU|GPU)\.$/),
      expect.stringMatching(/^(cpu|gpu) true true$/),
    ]);
  });

  test('falls back to wasm without it, saying what the native one would give', () => {
    const said = choose({ MHIM_BACKEND: '' }, withoutNative);
    expect(said).toContain('wasm true true');
    expect(said).toMatch(/Backend: WebAssembly \(tfjs-node-gpu is not installed\); .*npx @mhim\/native install/);
  });

  test('takes the one that is asked for, or fails with the remedy', () => {
    expect(choose({ MHIM_BACKEND: 'js' })).toContain('js true true');
    expect(choose({ MHIM_BACKEND: 'cpu' }, withoutNative)).toMatch(
      /^backend the backend "cpu" does not work: tfjs-node-gpu is not installed\. Run/,
    );
    expect(choose({ MHIM_BACKEND: 'tpu' })).toMatch(
      /^config MHIM_BACKEND: there is no backend "tpu"\. Use gpu, cpu, wasm or js\./,
    );
  });
});
