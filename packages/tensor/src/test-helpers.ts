/*
 * Helpers of this repository's tests; not exported and not published. The packages above import them by path, because a
 * dependency on the private testing package, which depends on them all, would be a cycle.
 */
import * as tf from '@tensorflow/tfjs';
import { useBackend } from './backend.js';

/** The fastest backend of this machine, without a word about it. */
export async function useNativeForTests(): Promise<string> {
  const { name } = await useBackend({ log: () => undefined });
  return name;
}

/** Throws with the largest deviation unless every |got − want| ≤ atol + rtol·|want| and the shapes agree. */
export function expectAllClose(
  got: tf.Tensor | ArrayLike<number>,
  want: tf.Tensor | ArrayLike<number>,
  { atol = 1e-6, rtol = 1e-5 }: { atol?: number; rtol?: number } = {},
): void {
  const [g, w] = [valuesOf(got), valuesOf(want)];
  if (got instanceof tf.Tensor && want instanceof tf.Tensor && got.shape.join() !== want.shape.join()) {
    throw new Error(`shape [${got.shape}], expected [${want.shape}]`);
  }
  if (g.length !== w.length) throw new Error(`${g.length} values, expected ${w.length}`);
  let worst = { excess: 0, at: -1 };
  for (let i = 0; i < w.length; i++) {
    const excess = Math.abs((g[i] as number) - (w[i] as number)) - (atol + rtol * Math.abs(w[i] as number));
    if (!(excess <= worst.excess)) worst = { excess, at: i };
  }
  if (worst.at >= 0) throw new Error(`value ${worst.at} is ${g[worst.at]}, expected ${w[worst.at]}`);
}

/** How many tensors `body` leaves behind. */
export function tensorsLeftBy(body: () => void): number {
  const before = tf.memory().numTensors;
  body();
  return tf.memory().numTensors - before;
}

/** Every value is a finite number. */
export function isFinite(tensor: tf.Tensor): boolean {
  return Array.from(tensor.dataSync()).every(Number.isFinite);
}

function valuesOf(x: tf.Tensor | ArrayLike<number>): ArrayLike<number> {
  return x instanceof tf.Tensor ? x.dataSync() : x;
}
