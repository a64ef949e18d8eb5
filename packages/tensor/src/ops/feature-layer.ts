import * as tf from '@tensorflow/tfjs';
import { dropout, keptElements } from '../layers/dropout.js';
import type { Call } from '../module.js';
import { activate, type ActivationName } from './activation.js';
import { columnSums } from './column-sums.js';
import { differentiable } from './differentiable.js';
import { fusedActivations, type FusedActivation } from './fused-activations.js';
import { onTape } from './outside-tape.js';
import { rowPieces, rowsOf, type Rows } from './row-pieces.js';

export interface FeatureLayerOptions {
  activation: ActivationName;
  /** Dropout rate after the activation. */
  dropout: number;
}

/**
 * The patch-to-embedding layer of every MIL model, dropout(activation(x·Wᵀ + b)), as one node of the tape where that pays:
 * over ten thousand instances the passes through memory cost as much as the product.
 * @param x [n, in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [n, out]
 */
export function featureLayer(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | undefined,
  { activation, dropout: rate }: FeatureLayerOptions,
  call: Call,
): tf.Tensor2D {
  if (activation === 'gelu' || activation === 'relu') {
    const dropped = call.training ? rate : 0;
    return fusedLayer(x, weight, bias, fusedActivations[activation](dropped), dropped, call);
  }
  const product: tf.Tensor2D = tf.matMul(x, weight, false, true);
  return dropout(activate(activation, bias ? tf.add<tf.Tensor2D>(product, bias) : product), rate, call);
}

/** In pieces of rows, so that what lies between product and result is never there for the whole of a large bag. */
function fusedLayer(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | undefined,
  { scale, forward, backward }: FusedActivation,
  rate: number,
  call: Call,
): tf.Tensor2D {
  // The activation's scale goes to whichever is smaller, the weight or the product.
  const ofRows = x.shape[0] < x.shape[1];
  const scaled = <T extends tf.Tensor>(tensor: T): T => (scale === 1 || ofRows ? tensor : tf.mul(tensor, scale));
  const scaledRows = (rows: tf.Tensor2D): tf.Tensor2D => (scale === 1 || !ofRows ? rows : tf.mul(rows, scale));
  const pieces = rowPieces(x.shape[0]);
  const learns = onTape();
  const layer = differentiable((features: tf.Tensor2D, w: tf.Tensor2D, ...b: tf.Tensor1D[]) => {
    const scaledWeight = scaled(w);
    const shift = b[0] && scaled(b[0]);
    const kept = rate > 0 ? [keptElements<tf.Rank.R2>([features.shape[0], w.shape[0]], rate, call)] : [];
    const done = pieces.map((rows) =>
      tf.tidy(() => {
        const product: tf.Tensor2D = tf.matMul(rowsOf(features, rows), scaledWeight, false, true);
        const s = scaledRows(shift ? tf.add(product, shift) : product);
        const { value, save } = forward(s, kept[0] && rowsOf(kept[0], rows));
        return { value, save: learns ? save : [] };
      }),
    );
    const value = joined(done.map((piece) => piece.value));
    const each = done[0]?.save.length ?? 0;
    return {
      value,
      save: [features, scaledWeight, value, ...kept, ...done.flatMap(({ save }) => save)],
      gradient: (dy, [input, heldWeight, output, ...rest]) => {
        const mask = rest.splice(0, kept.length)[0];
        const slopes = (rows: Rows, i: number): tf.Tensor2D =>
          scaledRows(
            backward(rowsOf(dy, rows), {
              value: rowsOf(output as tf.Tensor2D, rows),
              kept: mask && rowsOf(mask as tf.Tensor2D, rows),
              saved: rest.slice(i * each, (i + 1) * each) as tf.Tensor2D[],
            }),
          );
        const [dWeight, dBias] = total(
          pieces.map((rows, i) => () => {
            const ds = slopes(rows, i);
            return [tf.matMul(ds, rowsOf(input as tf.Tensor2D, rows), true), ...(bias ? [columnSums(ds)] : [])];
          }),
        );
        return [
          () => joined(pieces.map((rows, i) => tf.tidy(() => tf.matMul(slopes(rows, i), heldWeight as tf.Tensor2D)))),
          () => scaled(dWeight as tf.Tensor2D),
          ...(bias ? [() => scaled(dBias as tf.Tensor1D)] : []),
        ];
      },
    };
  });
  return layer(x, weight, ...(bias ? [bias] : []));
}

/** Rows put together again; the pieces are gone after it. */
function joined(pieces: tf.Tensor2D[]): tf.Tensor2D {
  if (pieces.length === 1) return pieces[0] as tf.Tensor2D;
  const whole = tf.concat(pieces);
  tf.dispose(pieces);
  return whole;
}

/** The sums of what the parts give, one part at a time. */
function total(parts: (() => tf.Tensor[])[]): tf.Tensor[] {
  return parts.reduce<tf.Tensor[]>((sums, part) => {
    const next = tf.tidy(() => part().map((tensor, i) => (sums[i] ? tf.add(sums[i], tensor) : tensor)));
    tf.dispose(sums);
    return next;
  }, []);
}
