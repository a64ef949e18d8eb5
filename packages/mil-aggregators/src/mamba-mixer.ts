import * as tf from '@tensorflow/tfjs';
import {
  causalConvolution,
  causalConvolutionGradients,
  differentiable,
  rmsNorm,
  rmsNormGradients,
  silu,
  siluGradient,
  softplus,
} from '@mhim/tensor';
import { selectiveScan, selectiveScanGradients, type SelectiveScanOptions } from './selective-scan-2d.js';
import type { GridSize } from './scan-2d.js';

/** The parameters of a mixer of c inner channels, s numbers of state a channel and a bottleneck of r for the step size. */
export interface MixerWeights {
  /** [c, taps], oldest tap first, and [c] */
  kernel: tf.Tensor2D;
  kernelBias: tf.Tensor1D;
  /** To step size, B and C, [r + 2s, c] */
  selection: tf.Tensor2D;
  /** Of the root mean square norms of these three, [r], [s] and [s] */
  stepNorm: tf.Tensor1D;
  bNorm: tf.Tensor1D;
  cNorm: tf.Tensor1D;
  /** [c, r] and [c] */
  step: tf.Tensor2D;
  stepBias: tf.Tensor1D;
  /** log(−A), [c, s] */
  logDecay: tf.Tensor2D;
  /** D, [c] */
  skip: tf.Tensor1D;
  /** [d, c] */
  output: tf.Tensor2D;
}

/** A grid whose cells come from rows, of which several cells may share one. */
export interface MixerGrid extends GridSize {
  /** Rows [rows, k] → cells [cells, k]. */
  fill(rows: tf.Tensor2D): tf.Tensor2D;
  /** The gradient of rows, given that of cells. */
  gather(dCells: tf.Tensor2D): tf.Tensor2D;
}

/**
 * What a Mamba block does between its in-projection and its residual sum (Gu & Dao 2023 Fig. 3), with a two-dimensional scan:
 * out(scan(SiLU(conv(x)))∘SiLU(z)).
 *
 * One node of the tape: on the grids of slides every tensor over inner channels is large. Where the scan keeps its states,
 * which are larger by far, the others are kept too; else the gradient keeps the scan's result and makes them again.
 * @param projected x and z side by side, [rows, 2c]
 * @returns [cells, d]
 */
export function mambaMixer(
  projected: tf.Tensor2D,
  weights: MixerWeights,
  grid: MixerGrid,
  options: SelectiveScanOptions,
): tf.Tensor2D {
  const names = Object.keys(weights) as (keyof MixerWeights)[];
  const mixer = differentiable((rows: tf.Tensor2D, ...given: tf.Tensor[]) => {
    const { value, y, branches, states } = forward(rows, weights, grid, options);
    return {
      value,
      save: [rows, y, ...given, ...(states.length > 0 ? [...Object.values(branches), ...states] : [])],
      gradient: (dOutput, [savedRows, savedY, ...saved]) => {
        const own = named(names, saved) as unknown as MixerWeights;
        const kept = saved.slice(names.length);
        const again = kept.length === 0 ? branchesOf(savedRows as tf.Tensor2D, own, grid) : undefined;
        const branchNames = Object.keys(branches);
        const gradients = backward(
          savedRows as tf.Tensor2D,
          own,
          again ?? (named(branchNames, kept) as Branches),
          { y: savedY as tf.Tensor2D, states: kept.slice(branchNames.length) },
          dOutput,
          grid,
          options,
        );
        return [gradients.projected, ...names.map((name) => gradients[name])];
      },
    };
  });
  return mixer(projected, ...names.map((name) => weights[name]));
}

function named(names: readonly string[], tensors: tf.Tensor[]): Record<string, tf.Tensor> {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i] as tf.Tensor]));
}

function forward(projected: tf.Tensor2D, weights: MixerWeights, grid: MixerGrid, options: SelectiveScanOptions) {
  return tf.tidy(() => {
    const branches = branchesOf(projected, weights, grid);
    const { x, delta, b, c, open } = branches;
    const scan = selectiveScan({ x, delta, a: decayOf(weights), b, c }, grid, options);
    const y = tf.tidy(() => tf.add(scan.y, tf.mul(x, weights.skip)) as tf.Tensor2D);
    const value = tf.tidy(() => tf.matMul(tf.mul(y, open) as tf.Tensor2D, weights.output, false, true) as tf.Tensor2D);
    return { value, y, branches, states: scan.states };
  });
}

/** Everything between the in-projection and the scan, of every cell. */
interface Branches extends Record<string, tf.Tensor2D> {
  /** SiLU(z), [cells, c] */
  open: tf.Tensor2D;
  /** The convolution, and SiLU of it, [cells, c] */
  convolved: tf.Tensor2D;
  x: tf.Tensor2D;
  /** The bottleneck of the step size and B and C before their norms, and the former after it. */
  rawStep: tf.Tensor2D;
  rawB: tf.Tensor2D;
  rawC: tf.Tensor2D;
  narrow: tf.Tensor2D;
  /** What the scan takes. */
  delta: tf.Tensor2D;
  b: tf.Tensor2D;
  c: tf.Tensor2D;
}

function branchesOf(projected: tf.Tensor2D, weights: MixerWeights, grid: MixerGrid): Branches {
  const { kernel, kernelBias, selection, stepNorm, bNorm, cNorm, step, stepBias } = weights;
  const [rank, states] = [step.shape[1], bNorm.shape[0]];
  const open = tf.tidy(() => grid.fill(silu(half(projected, 1)) as tf.Tensor2D));
  const convolved = tf.tidy(() => causalConvolution(grid.fill(half(projected, 0)), kernel, kernelBias));
  const x = silu(convolved) as tf.Tensor2D;
  const raw = tf.tidy(() => tf.split(tf.matMul(x, selection, false, true), [rank, states, states], 1));
  const [rawStep, rawB, rawC] = raw as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const narrow = rmsNorm(rawStep, stepNorm);
  const delta = tf.tidy(() => softplus(tf.add(tf.matMul(narrow, step, false, true), stepBias)) as tf.Tensor2D);
  return { open, convolved, x, rawStep, rawB, rawC, narrow, delta, b: rmsNorm(rawB, bNorm), c: rmsNorm(rawC, cNorm) };
}

function half(projected: tf.Tensor2D, which: 0 | 1): tf.Tensor2D {
  const channels = projected.shape[1] / 2;
  return tf.slice(projected, [0, which * channels], [-1, channels]);
}

/** A = −exp(log(−A)) */
function decayOf({ logDecay }: MixerWeights): tf.Tensor2D {
  return tf.neg(tf.exp(logDecay));
}

type MixerGradients = { [name in keyof MixerWeights | 'projected']: tf.Tensor } & tf.TensorContainerObject;

/** @param branches freed, as soon as they have served */
function backward(
  projected: tf.Tensor2D,
  weights: MixerWeights,
  branches: Branches,
  { y, states }: { y: tf.Tensor2D; states: tf.Tensor[] },
  dOutput: tf.Tensor2D,
  grid: MixerGrid,
  options: SelectiveScanOptions,
): MixerGradients {
  return tf.tidy(() => {
    const { convolved, x, delta, b, c } = branches;
    const { output, dY, dGate } = backThroughGate(projected, y, branches.open, weights, dOutput, grid);
    branches.open.dispose();

    const a = decayOf(weights);
    const ofScan = selectiveScanGradients({ x, delta, a, b, c }, dY, states, grid, options);

    // The derivative of softplus by its value: σ(v) = 1 − exp(−softplus(v)).
    const dStep = tf.tidy(() => tf.mul(ofScan.delta, tf.neg(tf.expm1(tf.neg(delta)))) as tf.Tensor2D);
    tf.dispose([ofScan.delta, delta]);
    const [dRawStep, stepNorm] = rmsNormGradients(
      branches.rawStep,
      weights.stepNorm,
      tf.matMul(dStep, weights.step) as tf.Tensor2D,
    );
    const [dRawB, bNorm] = rmsNormGradients(branches.rawB, weights.bNorm, ofScan.b);
    const [dRawC, cNorm] = rmsNormGradients(branches.rawC, weights.cNorm, ofScan.c);
    const dSelected = tf.concat([dRawStep, dRawB, dRawC], 1) as tf.Tensor2D;
    const parameters = {
      selection: tf.matMul(dSelected, x, true),
      step: tf.matMul(dStep, branches.narrow, true),
      stepBias: tf.sum(dStep, 0),
      skip: tf.tidy(() => tf.sum(tf.mul(dY, x), 0)),
      logDecay: tf.mul(ofScan.a, a),
    };
    tf.dispose([dStep, x]);

    const dConvolved = tf.tidy(() => {
      const dx = tf.addN([ofScan.x, tf.mul(dY, weights.skip), tf.matMul(dSelected, weights.selection)]);
      return siluGradient(convolved, dx as tf.Tensor2D);
    });
    tf.dispose([ofScan.x, dY, convolved]);
    const [dFilled, kernel, kernelBias] = tf.tidy(() =>
      causalConvolutionGradients(grid.fill(half(projected, 0)), weights.kernel, dConvolved),
    );
    return {
      projected: tf.concat([grid.gather(dFilled), dGate], 1),
      ...parameters,
      ...{ output, kernel, kernelBias, stepNorm, bNorm, cNorm },
    };
  });
}

/** From the mixer's result to y, to z of the rows and to the out-projection. */
function backThroughGate(
  projected: tf.Tensor2D,
  y: tf.Tensor2D,
  open: tf.Tensor2D,
  weights: MixerWeights,
  dOutput: tf.Tensor2D,
  grid: MixerGrid,
): { output: tf.Tensor2D; dY: tf.Tensor2D; dGate: tf.Tensor2D } {
  return tf.tidy(() => {
    const output = tf.tidy(() => tf.matMul(dOutput, tf.mul(y, open) as tf.Tensor2D, true) as tf.Tensor2D);
    const dGated = tf.matMul(dOutput, weights.output);
    const dGate = siluGradient(half(projected, 1), grid.gather(tf.mul(dGated, y)));
    return { output, dY: tf.mul(dGated, open) as tf.Tensor2D, dGate };
  });
}
