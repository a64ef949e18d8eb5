import * as tf from '@tensorflow/tfjs';
import { differentiable, MhimError } from '@mhim/tensor';

/** Rows and columns of a grid whose cells come row by row. */
export interface GridSize {
  height: number;
  width: number;
}

/**
 * The two-dimensional linear recurrence of 2DMamba (Zhang et al. 2025 eq. 7–8), along rows and then down columns:
 * g(i,j) = a(i,j)∘g(i,j−1) + x(i,j) and h(i,j) = a(i,j)∘h(i−1,j) + g(i,j), with nothing before the first column and row.
 * Its gradient is the true one of this definition.
 *
 * Steps are taken one after the other over whole columns and rows: twice two operations an entry, where doubling steps
 * (Hillis–Steele) would take three for each of log₂ of the side.
 * @param decay a, [height, width, k]
 * @param input x, [height, width, k]
 * @returns h, [height, width, k]
 */
export function scan2d(decay: tf.Tensor3D, input: tf.Tensor3D): tf.Tensor3D {
  if (decay.shape.join() !== input.shape.join()) {
    throw new MhimError(`decay has shape [${decay.shape}], input [${input.shape}].`, { code: 'shape' });
  }
  return scan(decay, input);
}

const scan = differentiable((decay: tf.Tensor3D, input: tf.Tensor3D) => {
  const g = turn(runningSums(slices(turn(decay)), slices(turn(input))));
  const h = tf.stack(runningSums(slices(decay), slices(g))) as tf.Tensor3D;
  return {
    value: h,
    save: [decay, g, h],
    gradient: (dh, saved) => {
      const [a, rowStates, states] = saved as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
      const dg = tf.stack(runningSumsBack(slices(a), slices(dh))) as tf.Tensor3D;
      const dx = turn(runningSumsBack(slices(turn(a)), slices(turn(dg))));
      return [() => tf.add(tf.mul(dg, shiftedDown(states)), tf.mul(dx, shiftedRight(rowStates))), dx];
    },
  };
});

/** hₜ = aₜ∘hₜ₋₁ + xₜ over slices of one shape. */
function runningSums(decay: tf.Tensor2D[], input: tf.Tensor2D[]): tf.Tensor2D[] {
  const states: tf.Tensor2D[] = [];
  input.forEach((x, t) => {
    const before = states[t - 1];
    states.push(before ? tf.tidy(() => tf.add(tf.mul(decay[t] as tf.Tensor2D, before), x)) : x);
  });
  return states;
}

/** The gradient that reaches each input of {@link runningSums}: qₜ = dhₜ + aₜ₊₁∘qₜ₊₁. */
function runningSumsBack(decay: tf.Tensor2D[], upstream: tf.Tensor2D[]): tf.Tensor2D[] {
  return runningSums([...decay.slice(1), decay[0] as tf.Tensor2D].reverse(), upstream.toReversed()).reverse();
}

/** Rows become columns. */
function turn(x: tf.Tensor3D | tf.Tensor2D[]): tf.Tensor3D {
  return Array.isArray(x) ? (tf.stack(x, 1) as tf.Tensor3D) : tf.transpose(x, [1, 0, 2]);
}

function slices(x: tf.Tensor3D): tf.Tensor2D[] {
  return tf.unstack(x) as tf.Tensor2D[];
}

/** Row i holds what row i − 1 held. */
function shiftedDown(x: tf.Tensor3D): tf.Tensor3D {
  const [height, width, k] = x.shape;
  return tf.concat([tf.zeros([1, width, k]), tf.slice(x, [0, 0, 0], [height - 1, width, k])], 0);
}

/** Column j holds what column j − 1 held. */
function shiftedRight(x: tf.Tensor3D): tf.Tensor3D {
  const [height, width, k] = x.shape;
  return tf.concat([tf.zeros([height, 1, k]), tf.slice(x, [0, 0, 0], [height, width - 1, k])], 1);
}
