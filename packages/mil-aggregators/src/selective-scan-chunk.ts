import * as tf from '@tensorflow/tfjs';
import type { GridSize } from './scan-2d.js';

/*
 * The selective scan over some of the channels, forwards and backwards. Both go along the rows over columns of the grid, and
 * down the columns over its rows; a step is a few operations on [side, states, chunk], which on the grids of slides fits the
 * processor's caches. Between the two directions the states are turned, by stacking them along the other axis.
 *
 * What is made here is freed as soon as it has served; `tf.tidy` around a call frees the rest.
 */

/** How many tensors over all cells, states and channels of a chunk are held at once, at most. */
export const HELD_STATES = 6;

export interface ScanChunk {
  /** Δ by column, each [height, 1, chunk]. */
  delta: tf.Tensor3D[];
  /** Δ∘x by column, each [height, 1, chunk]. */
  scaled: tf.Tensor3D[];
  /** A, [states, chunk] */
  a: tf.Tensor2D;
  /** B by column, each [height, states, 1]. */
  b: tf.Tensor3D[];
  /** C by row, each [width, states, 1]. */
  c: tf.Tensor3D[];
}

/** What the way back needs of the way there. */
export interface ScanStates {
  /** exp(Δ∘A) by column, each [height, states, chunk], and by row, each [width, states, chunk]. */
  decay: { along: tf.Tensor3D[]; down: tf.Tensor3D[] };
  /** What each column (row) took over from the one before, decay∘state; nothing at 0. */
  carried: { along: (tf.Tensor3D | undefined)[]; down: (tf.Tensor3D | undefined)[] };
  /** h by row, each [width, states, chunk]. */
  h: tf.Tensor3D[];
}

/** y, [cells, chunk], holding half of {@link HELD_STATES}. */
export function scanChunk(chunk: ScanChunk): tf.Tensor2D {
  const along = scanColumns(chunk, undefined);
  const [g, decay] = [turned(along.states), turned(along.decay)];
  let h: tf.Tensor3D | undefined;
  const y = g.map((row, i) => {
    const above = h;
    h = advance(decay[i], above, row);
    // Without a row above, the state is the row itself.
    if (above) tf.dispose([above, row]);
    tf.dispose(decay[i]);
    return tf.matMul(chunk.c[i] as tf.Tensor3D, h, true);
  });
  return cellsOfRows(y);
}

/** All states of a chunk. */
export function scanStates(chunk: ScanChunk): ScanStates {
  const carried: ScanStates['carried'] = { along: [], down: [] };
  const { decay: along, states } = scanColumns(chunk, carried.along);
  const g = turned(states);
  const down = turned(along, 'keep');
  const h: tf.Tensor3D[] = [];
  g.forEach((row, i) => {
    const above = h[i - 1];
    // A slice itself would keep the memory of all of them.
    if (!above) return h.push(tf.add(row, 0));
    const from: tf.Tensor3D = tf.mul(down[i] as tf.Tensor3D, above);
    carried.down[i] = from;
    h.push(tf.add(from, row));
  });
  tf.dispose(g);
  return { decay: { along, down }, carried, h };
}

/** y, [cells, chunk], of the states h of {@link scanStates}. */
export function scanOutput(h: tf.Tensor3D[], c: tf.Tensor3D[]): tf.Tensor2D {
  return cellsOfRows(h.map((row, i) => tf.matMul(c[i] as tf.Tensor3D, row, true)));
}

export interface ScanChunkGradient extends tf.TensorContainerObject {
  /** Of Δ∘x, [cells, chunk]. */
  scaled: tf.Tensor2D;
  /** Of Δ inside the decay, [cells, chunk]. */
  delta: tf.Tensor2D;
  /** Of A, [states, chunk]. */
  a: tf.Tensor2D;
  /** The chunk's share of the gradient of B and of C, [cells, states]. */
  b: tf.Tensor2D;
  c: tf.Tensor2D;
}

/**
 * @param states of {@link scanStates}; freed
 * @param dy by row, each [width, 1, chunk]
 */
export function scanChunkBack(chunk: ScanChunk, states: ScanStates, dy: tf.Tensor3D[]): ScanChunkGradient {
  const c = cellsOfRows(dy.map((row, i) => tf.matMul(row, states.h[i] as tf.Tensor3D, false, true)));
  tf.dispose(states.h);
  const { q, exponent } = backDown(chunk.c, states, dy);
  return { ...backAlong(chunk, states, turned(q), turned(exponent)), c };
}

/** decay∘before + input, or the input itself where nothing is before it. */
function advance(decay: tf.Tensor3D | undefined, before: tf.Tensor3D | undefined, input: tf.Tensor3D): tf.Tensor3D {
  return decay && before ? tf.tidy(() => tf.add(tf.mul(decay, before), input)) : input;
}

/**
 * The scan along the rows: exp(Δ∘A) and g by column, each [height, states, chunk].
 * @param carried takes what each column but the first took over from the one before
 */
function scanColumns(
  { delta, scaled, a, b }: ScanChunk,
  carried: (tf.Tensor3D | undefined)[] | undefined,
): { decay: tf.Tensor3D[]; states: tf.Tensor3D[] } {
  const decay = delta.map((step) => tf.tidy(() => tf.exp(tf.mul<tf.Tensor3D>(step, a))));
  const states: tf.Tensor3D[] = [];
  decay.forEach((factor, j) => {
    const input = tf.matMul(b[j] as tf.Tensor3D, scaled[j] as tf.Tensor3D) as tf.Tensor3D;
    const before = states[j - 1];
    if (!before) return states.push(input);
    const from: tf.Tensor3D = tf.mul(factor, before);
    states.push(tf.add(from, input));
    input.dispose();
    if (carried) carried[j] = from;
    else from.dispose();
  });
  return { decay, states };
}

/**
 * From the last row up: q is what reaches h, and g with it; `exponent` is what reaches Δ∘A through the decay of this
 * direction. Both by row, each [width, states, chunk].
 */
function backDown(
  c: tf.Tensor3D[],
  { decay: { down: decay }, carried: { down: carried } }: ScanStates,
  dy: tf.Tensor3D[],
): { q: tf.Tensor3D[]; exponent: tf.Tensor3D[] } {
  const [q, exponent]: [tf.Tensor3D[], tf.Tensor3D[]] = [[], []];
  for (let i = dy.length - 1; i >= 0; i--) {
    const own = tf.matMul(c[i] as tf.Tensor3D, dy[i] as tf.Tensor3D) as tf.Tensor3D;
    const state = (q[i] = advance(decay[i + 1], q[i + 1], own));
    if (state !== own) own.dispose();
    const from = carried[i];
    exponent[i] = from ? tf.mul(state, from) : tf.zerosLike(state);
    tf.dispose([decay[i + 1], from]);
  }
  decay[0]?.dispose();
  return { q, exponent };
}

/**
 * From the last column back: r is what reaches Δ∘B∘x.
 * @param q by column, and `exponent` too
 */
function backAlong(
  { delta, scaled, a, b }: ScanChunk,
  { decay: { along: decay }, carried: { along: carried } }: ScanStates,
  q: tf.Tensor3D[],
  exponent: tf.Tensor3D[],
): { scaled: tf.Tensor2D; delta: tf.Tensor2D; a: tf.Tensor2D; b: tf.Tensor2D } {
  const [width, height] = [q.length, q[0]?.shape[0] as number];
  const ones: tf.Tensor2D = tf.ones([1, height]);
  const [dScaled, dDelta, dA, dB]: [tf.Tensor[], tf.Tensor[], tf.Tensor[], tf.Tensor[]] = [[], [], [], []];
  let r: tf.Tensor3D | undefined;
  for (let j = width - 1; j >= 0; j--) {
    const after = r;
    const state = (r = advance(decay[j + 1], after, q[j] as tf.Tensor3D));
    if (after) tf.dispose([after, q[j]]);
    dB[j] = tf.matMul(state, scaled[j] as tf.Tensor3D, false, true);
    dScaled[j] = tf.matMul(b[j] as tf.Tensor3D, state, true);
    [dDelta[j], dA[j]] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
      const both: tf.Tensor3D = carried[j]
        ? tf.add(exponent[j] as tf.Tensor3D, tf.mul(state, carried[j] as tf.Tensor3D))
        : (exponent[j] as tf.Tensor3D);
      const ofA = tf.reshape(tf.mul(both, delta[j] as tf.Tensor3D), [height, -1]) as tf.Tensor2D;
      return [tf.sum(tf.mul(both, a), 1), tf.matMul(ones, ofA)];
    });
    tf.dispose([decay[j + 1], carried[j], exponent[j]]);
  }
  return {
    scaled: cellsOfColumns(dScaled),
    delta: cellsOfColumns(dDelta),
    a: tf.reshape(tf.addN(dA), a.shape),
    b: cellsOfColumns(dB),
  };
}

/** [cells, k] by column of the grid, each [height, …inner]; `inner` multiplies to k. */
export function sliceColumns(x: tf.Tensor2D, { height, width }: GridSize, inner: [number, number]): tf.Tensor3D[] {
  const byColumn = tf.transpose(tf.reshape(x, [height, width, -1]), [1, 0, 2]);
  return tf.unstack(tf.reshape(byColumn, [width, height, ...inner])) as tf.Tensor3D[];
}

/** [cells, k] by row of the grid, each [width, …inner]. */
export function sliceRows(x: tf.Tensor2D, { height, width }: GridSize, inner: [number, number]): tf.Tensor3D[] {
  return tf.unstack(tf.reshape(x, [height, width, ...inner])) as tf.Tensor3D[];
}

/** The inverse of {@link sliceColumns}. */
function cellsOfColumns(columns: tf.Tensor[]): tf.Tensor2D {
  const [height] = (columns[0] as tf.Tensor).shape as [number];
  const stacked = tf.reshape(tf.stack(columns), [columns.length, height, -1]);
  return tf.reshape(tf.transpose(stacked, [1, 0, 2]), [columns.length * height, -1]);
}

/** The inverse of {@link sliceRows}. */
function cellsOfRows(rows: tf.Tensor[]): tf.Tensor2D {
  const [width] = (rows[0] as tf.Tensor).shape as [number];
  return tf.reshape(tf.stack(rows), [rows.length * width, -1]);
}

/** Slices by column, each [height, …], as slices by row, each [width, …], or the other way round. Frees the former. */
function turned(slices: tf.Tensor3D[], keep?: 'keep'): tf.Tensor3D[] {
  const grid = tf.stack(slices, 1);
  if (!keep) tf.dispose(slices);
  // On the native backend slices along the first axis share their memory, which goes with the last of them.
  const result = tf.unstack(grid) as tf.Tensor3D[];
  grid.dispose();
  return result;
}
