import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { MhimError } from './errors.js';
import { loadQuietly } from './quiet-load.js';

export type BackendName = 'gpu' | 'cpu' | 'wasm' | 'js';

export interface BackendInfo {
  /** `gpu` and `cpu` run TensorFlow's C library, `wasm` and `js` need nothing installed. */
  name: BackendName;
  native: boolean;
  /** The name tfjs knows it by. */
  tfjsBackend: string;
  /** The line that was logged. */
  summary: string;
}

export interface BackendOptions {
  /** Take this one or fail; also the environment variable MHIM_BACKEND. Default: the fastest there is. */
  prefer?: BackendName;
  /** Where the one line goes; default stderr. */
  log?: (line: string) => void;
}

let chosen: BackendInfo | undefined;

/**
 * Chooses the tensor engine: GPU, native CPU, wasm, JavaScript, the first that works, and says which in one line.
 * A second call returns the first one's choice.
 * @throws MhimError `backend` when the preferred one does not work, or when two copies of tfjs are installed
 */
export async function useBackend({ prefer, log = toStderr }: BackendOptions = {}): Promise<BackendInfo> {
  const wanted = prefer ?? backendFromEnvironment();
  if (chosen && (wanted === undefined || wanted === chosen.name)) return chosen;
  const failures: string[] = [];
  if (wanted === undefined || wanted === 'gpu' || wanted === 'cpu') {
    const native = loadNative();
    if (typeof native === 'string') failures.push(native);
    else if (wanted === 'gpu' && !native.gpu) failures.push('TensorFlow sees no GPU');
    else
      return choose(
        native.gpu ? 'gpu' : 'cpu',
        'tensorflow',
        native.gpu ? 'TensorFlow on GPU' : 'TensorFlow on CPU',
        log,
      );
  }
  if (wanted === undefined || wanted === 'wasm') {
    const problem = await loadWasm();
    if (problem === undefined) return choose('wasm', 'wasm', `WebAssembly${advice(wanted, failures)}`, log);
    failures.push(problem);
  }
  if (wanted === undefined || wanted === 'js') {
    await tf.setBackend('cpu');
    return choose('js', 'cpu', `plain JavaScript${advice(wanted, failures)}`, log);
  }
  throw new MhimError(`the backend "${wanted}" does not work: ${failures.join('; ')}.`, {
    code: 'backend',
    hint: 'Run `npx @mhim/native install`, or choose another backend.',
  });
}

function choose(name: BackendName, tfjsBackend: string, what: string, log: (line: string) => void): BackendInfo {
  const summary = `Backend: ${what}.`;
  chosen = { name, native: tfjsBackend === 'tensorflow', tfjsBackend, summary };
  log(summary);
  return chosen;
}

function advice(wanted: BackendName | undefined, failures: string[]): string {
  if (wanted !== undefined) return '';
  return ` (${failures[0]}); the native backend trains about 100 times faster: npx @mhim/native install`;
}

/** Loads tfjs-node-gpu, which serves GPU and CPU, and checks that it shares our engine. */
function loadNative(): { gpu: boolean } | string {
  const found = resolve('@tensorflow/tfjs-node-gpu');
  if (!found) return 'tfjs-node-gpu is not installed';
  restoreUtil();
  let native: typeof tf;
  try {
    native = loadQuietly(() => found.require(found.path)) as typeof tf;
  } catch (error) {
    return reason(error as Error);
  }
  if (native.Tensor !== tf.Tensor) {
    throw new MhimError('two copies of TensorFlow.js are installed, so tensors of one are unknown to the other.', {
      code: 'backend',
      path: found.path,
      hint: 'Install the same version of @tensorflow/tfjs and @tensorflow/tfjs-node-gpu (npm dedupe).',
    });
  }
  return { gpu: Boolean((native.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice) };
}

async function loadWasm(): Promise<string | undefined> {
  const found = resolve('@tensorflow/tfjs-backend-wasm');
  if (!found) return 'tfjs-backend-wasm is not installed';
  try {
    const wasm = found.require(found.path) as { setWasmPaths(folder: string): void };
    wasm.setWasmPaths(join(found.path, '..', '/'));
    if (!(await tf.setBackend('wasm'))) return 'WebAssembly does not start';
    await tf.ready();
    return undefined;
  } catch (error) {
    return reason(error as Error);
  }
}

/** Optional engines are looked for in the user's project first, then beside this package. */
function resolve(name: string): { require: NodeJS.Require; path: string } | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    const require = createRequire(from);
    try {
      return { require, path: require.resolve(name) };
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}

/** tfjs-node 4.22 calls two functions of `util` that Node 23 removed. */
function restoreUtil(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

function backendFromEnvironment(): BackendName | undefined {
  const name = process.env.MHIM_BACKEND;
  if (name === undefined || name === '') return undefined;
  if (name === 'gpu' || name === 'cpu' || name === 'wasm' || name === 'js') return name;
  throw new MhimError(`there is no backend "${name}".`, {
    code: 'config',
    path: 'MHIM_BACKEND',
    hint: 'Use gpu, cpu, wasm or js.',
  });
}

function reason(error: Error): string {
  return /Cannot find module|can not be found|no such file/.test(error.message)
    ? 'the native addon is not built'
    : `the native addon does not load: ${error.message.split('\n')[0]}`;
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
