import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';
import type { GridSize } from './scan-2d.js';
import {
  HELD_STATES,
  scanChunk,
  scanChunkBack,
  scanOutput,
  scanStates,
  sliceColumns,
  sliceRows,
  type ScanChunk,
  type ScanStates,
} from './selective-scan-chunk.js';

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

export interface SelectiveScanOptions {
  /** Bytes that the scan may take beside its inputs and results, unless a single channel takes more. Default 1 GiB. */
  memory?: number;
  /** A gradient follows: keep the states for it, where `memory` holds all of them, instead of making them again. */
  training?: boolean;
}

/**
 * The two-dimensional selective scan (Zhang et al. 2025) as one node of the tape: y = C·h for the recurrence of `scan2d` with
 * decay exp(Δ∘A) and input Δ∘B∘x, and the true gradient of that.
 *
 * The state of a grid is cells × states × channels numbers, 2.6 GB on 400 × 400 cells with 16 × 256. Channels do not meet in
 * the scan, so they are taken in chunks whose states, {@link HELD_STATES} times, fit into `memory`, and the backward pass
 * makes them again. What `memory` is changes only the rounding of the gradients of B and C, which are sums over chunks.
 * @returns y, [cells, channels]
 */
export function selectiveScan2d(
  inputs: SelectiveScanInputs,
  grid: GridSize,
  options: SelectiveScanOptions = {},
): tf.Tensor2D {
  const scan = differentiable((x: tf.Tensor2D, delta: tf.Tensor2D, a: tf.Tensor2D, b: tf.Tensor2D, c: tf.Tensor2D) => {
    const { y, states } = selectiveScan({ x, delta, a, b, c }, grid, options);
    return {
      value: y,
      save: [x, delta, a, b, c, ...states],
      gradient: (dy, saved) => {
        const [x, delta, a, b, c, ...kept] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const gradients = selectiveScanGradients({ x, delta, a, b, c }, dy, kept, grid, options);
        return [gradients.x, gradients.delta, gradients.a, gradients.b, gradients.c];
      },
    };
  });
  return scan(inputs.x, inputs.delta, inputs.a, inputs.b, inputs.c);
}

/**
 * {@link selectiveScan2d} outside the tape, for nodes that hold more than the scan.
 * @returns y, and what {@link selectiveScanGradients} takes over; nothing unless states are kept
 */
export function selectiveScan(
  inputs: SelectiveScanInputs,
  grid: GridSize,
  { memory = DEFAULT_MEMORY, training = false }: SelectiveScanOptions,
): { y: tf.Tensor2D; states: tf.Tensor3D[] } {
  const chunks = chunksOf(inputs.a.shape, grid, memory);
  if (!training || chunks.length > 1) {
    return {
      y: across(chunks.map((channels) => tf.tidy(() => scanChunk(chunkOf(inputs, grid, channels))))),
      states: [],
    };
  }
  return tf.tidy(() => {
    const chunk = chunkOf(inputs, grid, chunks[0] as Channels);
    const states = scanStates(chunk);
    return { y: scanOutput(states.h, chunk.c), states: listed(states) };
  });
}

/**
 * The gradients of {@link selectiveScan}, given dy [cells, channels].
 * @param kept its states; freed
 */
export function selectiveScanGradients(
  inputs: SelectiveScanInputs,
  dy: tf.Tensor2D,
  kept: tf.Tensor[],
  grid: GridSize,
  { memory = DEFAULT_MEMORY }: SelectiveScanOptions,
): Required<SelectiveScanInputs> {
  return tf.tidy(() => {
    const parts = chunksOf(inputs.a.shape, grid, memory).map((channels) =>
      tf.tidy(() => {
        const chunk = chunkOf(inputs, grid, channels);
        const states = kept.length > 0 ? unlisted(kept as tf.Tensor3D[], grid) : scanStates(chunk);
        return scanChunkBack(chunk, states, sliceRows(take(dy, channels), grid, [1, channels.count]));
      }),
    );
    const dScaled = across(parts.map((part) => part.scaled));
    return {
      x: tf.mul(dScaled, inputs.delta) as tf.Tensor2D,
      delta: tf.add(across(parts.map((part) => part.delta)), tf.mul(dScaled, inputs.x)) as tf.Tensor2D,
      a: tf.transpose(across(parts.map((part) => part.a))),
      b: tf.addN(parts.map((part) => part.b)),
      c: tf.addN(parts.map((part) => part.c)),
    };
  });
}

const DEFAULT_MEMORY = 2 ** 30;

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

/** The states in one list, as the tape keeps them. */
function listed({ decay, carried, h }: ScanStates): tf.Tensor3D[] {
  const lists = [decay.along, decay.down, carried.along, carried.down, h];
  return lists.flatMap((list) => list.filter((slice) => slice !== undefined));
}

function unlisted(list: tf.Tensor3D[], { width, height }: GridSize): ScanStates {
  let from = 0;
  const next = (count: number) => list.slice(from, (from += count));
  const decay = { along: next(width), down: next(height) };
  const carried = { along: [undefined, ...next(width - 1)], down: [undefined, ...next(height - 1)] };
  return { decay, carried, h: next(height) };
}

function chunkOf({ x, delta, a, b, c }: SelectiveScanInputs, grid: GridSize, channels: Channels): ScanChunk {
  const { count } = channels;
  const states = a.shape[1];
  const step = take(delta, channels);
  return {
    delta: sliceColumns(step, grid, [1, count]),
    scaled: sliceColumns(tf.mul(step, take(x, channels)), grid, [1, count]),
    // The states of a cell lie state by state.
    a: tf.transpose(tf.slice(a, [channels.first, 0], [count, -1])),
    b: sliceColumns(b, grid, [states, 1]),
    c: sliceRows(c, grid, [states, 1]),
  };
}

/** Some of the channels of [cells, channels]. */
function take(x: tf.Tensor2D, { first, count }: Channels): tf.Tensor2D {
  return tf.slice(x, [0, first], [-1, count]);
}

function across(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? (parts[0] as tf.Tensor2D) : tf.concat(parts, 1);
}
