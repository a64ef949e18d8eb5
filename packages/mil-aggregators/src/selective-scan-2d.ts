import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';
import type { GridSize } from './scan-2d.js';
import { HELD_STATES, scanChunk, scanChunkBack, sliceColumns, sliceRows } from './selective-scan-chunk.js';

/** What the scan runs on; cells are the grid's rows one after the other. */
export interface SelectiveScanInputs {
  /** x, [cells, channels] */
  x: tf.Tensor2D;
  /** Δ, [cells, channels] */
  delta: tf.Tensor2D;
  /** A, negative, [channels, states] */
  a: tf.Tensor2D;
  /** B, [cells, states] */
  b: tf.Tensor2D;
  /** C, [cells, states] */
  c: tf.Tensor2D;
}

/** Bytes that {@link selectiveScan2d} works in. */
export const selectiveScanMemory = 2 ** 30;

/**
 * The two-dimensional selective scan (Zhang et al. 2025) as one node of the tape: y = C·h for the recurrence of `scan2d` with
 * decay exp(Δ∘A) and input Δ∘B∘x, and the true gradient of that.
 *
 * The state of a grid is cells × states × channels numbers, 2.6 GB on 400 × 400 cells with 16 × 256. Channels do not meet in
 * the scan, so they are taken in chunks, and nothing of that size outlives its chunk: the backward pass makes the states
 * again. Beside inputs and results the scan takes up to `memory` bytes, or what one channel takes if that is more. Into how
 * many chunks the channels fall changes only the rounding of the gradients of B and C, sums over channels.
 * @param memory bytes, default {@link selectiveScanMemory}
 * @returns y, [cells, channels]
 */
export function selectiveScan2d(
  { x, delta, a, b, c }: SelectiveScanInputs,
  grid: GridSize,
  memory = selectiveScanMemory,
): tf.Tensor2D {
  const chunks = chunksOf(a.shape, grid, memory);
  return differentiable((...inputs: Inputs) => ({
    value: forward(inputs, grid, chunks),
    save: inputs,
    gradient: (dy, saved) => backward(saved as Inputs, dy, grid, chunks),
  }))(x, delta, a, b, c);
}

type Inputs = [x: tf.Tensor2D, delta: tf.Tensor2D, a: tf.Tensor2D, b: tf.Tensor2D, c: tf.Tensor2D];

interface Channels {
  first: number;
  count: number;
}

function chunksOf([channels, states]: [number, number], { height, width }: GridSize, memory: number): Channels[] {
  const fitting = Math.max(1, Math.floor(memory / (HELD_STATES * height * width * states * 4)));
  const size = Math.ceil(channels / Math.ceil(channels / fitting));
  return Array.from({ length: Math.ceil(channels / size) }, (_, i) => {
    const first = i * size;
    return { first, count: Math.min(size, channels - first) };
  });
}

function forward([x, delta, a, b, c]: Inputs, grid: GridSize, chunks: Channels[]): tf.Tensor2D {
  const states = a.shape[1];
  const scaled: tf.Tensor2D = tf.mul(delta, x);
  const shared = { b: sliceColumns(b, grid, [states, 1]), c: sliceRows(c, grid, [states, 1]) };
  const parts = chunks.map((channels) =>
    tf.tidy(() =>
      scanChunk({
        delta: sliceColumns(take(delta, channels), grid, [1, channels.count]),
        scaled: sliceColumns(take(scaled, channels), grid, [1, channels.count]),
        a: decayOf(a, channels),
        ...shared,
      }),
    ),
  );
  return across(parts);
}

function backward([x, delta, a, b, c]: Inputs, dy: tf.Tensor2D, grid: GridSize, chunks: Channels[]): tf.Tensor2D[] {
  const states = a.shape[1];
  const scaled: tf.Tensor2D = tf.mul(delta, x);
  const shared = { b: sliceColumns(b, grid, [states, 1]), c: sliceRows(c, grid, [states, 1]) };
  const parts = chunks.map((channels) =>
    tf.tidy(() =>
      scanChunkBack(
        {
          delta: sliceColumns(take(delta, channels), grid, [1, channels.count]),
          scaled: sliceColumns(take(scaled, channels), grid, [1, channels.count]),
          a: decayOf(a, channels),
          ...shared,
        },
        sliceRows(take(dy, channels), grid, [1, channels.count]),
      ),
    ),
  );
  const dScaled = across(parts.map((part) => part.scaled));
  return [
    tf.mul(dScaled, delta),
    tf.add(across(parts.map((part) => part.delta)), tf.mul(dScaled, x)),
    tf.transpose(across(parts.map((part) => part.a))),
    tf.addN(parts.map((part) => part.b)),
    tf.addN(parts.map((part) => part.c)),
  ];
}

/** Some of the channels of [cells, channels]. */
function take(x: tf.Tensor2D, { first, count }: Channels): tf.Tensor2D {
  return tf.slice(x, [0, first], [-1, count]);
}

/** A with its states first, as the states of a cell lie: [states, chunk]. */
function decayOf(a: tf.Tensor2D, { first, count }: Channels): tf.Tensor2D {
  return tf.transpose(tf.slice(a, [first, 0], [count, -1]));
}

function across(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? (parts[0] as tf.Tensor2D) : tf.concat(parts, 1);
}
