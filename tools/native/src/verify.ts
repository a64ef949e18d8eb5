import { NativeError } from './native-error.js';
import { lastLine, run } from './run.js';

/** What one product on the native library showed. */
export interface Verification {
  /** `gpu` or `cpu`. */
  device: 'gpu' | 'cpu';
  milliseconds: number;
}

/**
 * Multiplies two matrices on the installed addon, in a process of its own, and compares with the same product in JavaScript.
 * @throws NativeError when the addon does not load or computes something else
 */
export function verify(tfjsNode: string): Verification {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { ok, stdout, stderr } = run(process.execPath, ['-e', program, tfjsNode], env);
  if (!ok) throw new NativeError(`the native backend does not run: ${firstReason(stderr)}`);
  const { gpu, milliseconds, error } = JSON.parse(lastLine(stdout)) as {
    gpu: boolean;
    milliseconds: number;
    error: number;
  };
  if (!(error < 1e-3))
    throw new NativeError(`the native backend computes a product with an error of ${error}; do not use it.`);
  return { device: gpu ? 'gpu' : 'cpu', milliseconds };
}

const program = `
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
const tf = require(process.argv[1]);
const n = 64;
const fill = (seed) => Float32Array.from({ length: n * n }, (_, i) => Math.sin(seed + i));
const [a, b] = [fill(1), fill(2)];
const start = performance.now();
const got = tf.matMul(tf.tensor2d(a, [n, n]), tf.tensor2d(b, [n, n])).dataSync();
const milliseconds = performance.now() - start;
let error = 0;
for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
  error = Math.max(error, Math.abs(sum - got[i * n + j]));
}
console.log(JSON.stringify({ gpu: Boolean(tf.backend().isUsingGpuDevice), milliseconds, error }));
`;

function firstReason(stderr: string): string {
  const line = stderr.split('\n').find((text) => /Error:|cannot open|undefined symbol/.test(text));
  return line?.trim() ?? lastLine(stderr);
}
