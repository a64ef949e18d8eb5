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
 * One node of the tape: on the grids of slides a tensor over inner channels is large, so the gradient keeps the scan's result
 * only and makes the others again, each of which costs little beside the scan.
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
    const { y, states } = scanned(rows, weights, grid, options);
    return {
      value: tf.tidy(() =>
        tf.matMul(tf.mul(y, gate(rows, grid)) as tf.Tensor2D, weights.output, false, true),
      ) as tf.Tensor2D,
      save: [rows, y, ...given, ...states],
      gradient: (dOutput, [savedRows, savedY, ...saved]) => {
        const own = Object.fromEntries(names.map((name, i) => [name, saved[i]])) as unknown as MixerWeights;
        const kept = saved.slice(names.length);
        const all = backward(savedRows as tf.Tensor2D, savedY as tf.Tensor2D, own, kept, dOutput, grid, options);
        return [all.projected, ...names.map((name) => all[name])];
      },
    };
  });
  return mixer(projected, ...names.map((name) => weights[name]));
}

/** y = scan + D∘x, before the gate. */
function scanned(
  projected: tf.Tensor2D,
  weights: MixerWeights,
  grid: MixerGrid,
  options: SelectiveScanOptions,
): { y: tf.Tensor2D; states: tf.Tensor3D[] } {
  return tf.tidy(() => {
    const x = tf.tidy(() => silu(convolved(projected, weights, grid)) as tf.Tensor2D);
    const { delta, b, c } = selected(x, weights);
    const { y, states } = selectiveScan({ x, delta, a: decayOf(weights), b, c }, grid, options);
    return { y: tf.add(y, tf.mul(x, weights.skip)) as tf.Tensor2D, states };
  });
}

function half(projected: tf.Tensor2D, which: 0 | 1): tf.Tensor2D {
  const channels = projected.shape[1] / 2;
  return tf.slice(projected, [0, which * channels], [-1, channels]);
}

/** SiLU(z) of every cell. */
function gate(projected: tf.Tensor2D, grid: MixerGrid): tf.Tensor2D {
  return tf.tidy(() => grid.fill(silu(half(projected, 1)) as tf.Tensor2D));
}

function convolved(projected: tf.Tensor2D, { kernel, kernelBias }: MixerWeights, grid: MixerGrid): tf.Tensor2D {
  return tf.tidy(() => causalConvolution(grid.fill(half(projected, 0)), kernel, kernelBias));
}

/** Step size, B and C of every cell, and what they were before norm and softplus. */
function selected(x: tf.Tensor2D, weights: MixerWeights) {
  const { selection, stepNorm, bNorm, cNorm, step, stepBias } = weights;
  const [rank, states] = [step.shape[1], bNorm.shape[0]];
  const raw = tf.split(tf.matMul(x, selection, false, true), [rank, states, states], 1) as tf.Tensor2D[];
  const [rawStep, rawB, rawC] = raw as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const narrow = rmsNorm(rawStep, stepNorm);
  const delta = tf.tidy(() => softplus(tf.add(tf.matMul(narrow, step, false, true), stepBias)) as tf.Tensor2D);
  return { delta, b: rmsNorm(rawB, bNorm), c: rmsNorm(rawC, cNorm), narrow, rawStep, rawB, rawC };
}

/** A = −exp(log(−A)) */
function decayOf({ logDecay }: MixerWeights): tf.Tensor2D {
  return tf.neg(tf.exp(logDecay));
}

type MixerGradients = { [name in keyof MixerWeights | 'projected']: tf.Tensor } & tf.TensorContainerObject;

function backward(
  projected: tf.Tensor2D,
  y: tf.Tensor2D,
  weights: MixerWeights,
  kept: tf.Tensor[],
  dOutput: tf.Tensor2D,
  grid: MixerGrid,
  options: SelectiveScanOptions,
): MixerGradients {
  return tf.tidy(() => {
    const { selection, step, skip } = weights;
    const { output, dY, dGate } = backThroughGate(projected, y, weights, dOutput, grid);

    const x = tf.tidy(() => silu(convolved(projected, weights, grid)) as tf.Tensor2D);
    const chosen = selected(x, weights);
    const a = decayOf(weights);
    const inputs = { x, delta: chosen.delta, a, b: chosen.b, c: chosen.c };
    const ofScan = selectiveScanGradients(inputs, dY, kept, grid, options);

    // The derivative of softplus by its value: σ(v) = 1 − exp(−softplus(v)).
    const dStep = tf.tidy(() => tf.mul(ofScan.delta, tf.neg(tf.expm1(tf.neg(chosen.delta)))) as tf.Tensor2D);
    tf.dispose([ofScan.delta, chosen.delta]);
    const [dRawStep, stepNorm] = rmsNormGradients(chosen.rawStep, weights.stepNorm, tf.matMul(dStep, step));
    const [dRawB, bNorm] = rmsNormGradients(chosen.rawB, weights.bNorm, ofScan.b);
    const [dRawC, cNorm] = rmsNormGradients(chosen.rawC, weights.cNorm, ofScan.c);
    const dSelected = tf.concat([dRawStep, dRawB, dRawC], 1) as tf.Tensor2D;
    const parameters = {
      selection: tf.matMul(dSelected, x, true),
      step: tf.matMul(dStep, chosen.narrow, true),
      stepBias: tf.sum(dStep, 0),
      skip: tf.tidy(() => tf.sum(tf.mul(dY, x), 0)),
      logDecay: tf.mul(ofScan.a, a),
    };
    tf.dispose([dStep, x]);

    const dConvolved = tf.tidy(() => {
      const dx = tf.addN([ofScan.x, tf.mul(dY, skip), tf.matMul(dSelected, selection)]);
      return siluGradient(convolved(projected, weights, grid), dx as tf.Tensor2D);
    });
    tf.dispose([ofScan.x, dY]);
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
  weights: MixerWeights,
  dOutput: tf.Tensor2D,
  grid: MixerGrid,
): { output: tf.Tensor2D; dY: tf.Tensor2D; dGate: tf.Tensor2D } {
  return tf.tidy(() => {
    const open = gate(projected, grid);
    const output = tf.tidy(() => tf.matMul(dOutput, tf.mul(y, open) as tf.Tensor2D, true) as tf.Tensor2D);
    const dGated = tf.matMul(dOutput, weights.output);
    const dGate = siluGradient(half(projected, 1), grid.gather(tf.mul(dGated, y)));
    return { output, dY: tf.mul(dGated, open) as tf.Tensor2D, dGate };
  });
}
