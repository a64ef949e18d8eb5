import * as tf from '@tensorflow/tfjs';
import { Rng, type Module, type StateSource } from '@mhim/tensor';
import type { ConformanceCase, Outputs } from '../conformance-case.js';

/** A bag of features, [1, n, d] or [n, d] in the case, as [n, d]. */
export function bagOf(fixture: ConformanceCase, name = 'input'): tf.Tensor2D {
  const shape = fixture.shape(name);
  return tf.tensor2d(fixture.data(name) as Float32Array, shape.slice(-2) as [number, number]);
}

/** A float32 tensor of the case in its own shape. */
export function tensorOf<R extends tf.Rank>(fixture: ConformanceCase, name: string): tf.Tensor<R> {
  return tf.tensor(Float32Array.from(fixture.data(name)), fixture.shape(name) as tf.ShapeMap[R], 'float32');
}

export function scalarOf(fixture: ConformanceCase, name: string): number {
  return fixture.data(name)[0] as number;
}

/** Loads `param.*` (or another prefix) and buffers; strict, so that a name of ours that is not official shows. */
export function loadParameters(module: Module, fixture: ConformanceCase, prefix = 'param.'): void {
  const state: StateSource = {};
  for (const name of Object.keys(fixture.tensors)) {
    for (const start of prefix === 'param.' ? [prefix, 'buffer.'] : [prefix]) {
      if (name.startsWith(start)) {
        // Hashed parameters are made one at a time: together they may not fit into memory.
        state[name.slice(start.length)] = {
          shape: fixture.shape(name),
          get data() {
            return fixture.data(name) as Float32Array;
          },
        };
      }
    }
  }
  module.loadStateDict(state);
}

/** The loss with d loss / d parameter for every trainable parameter and d loss / d input, as the case names them. */
export function lossAndGradients(module: Module, input: tf.Tensor, loss: () => tf.Scalar): Outputs {
  const parameters = module.trainableParameters();
  const { value, grads } = tf
    .engine()
    .gradients(loss, [input, ...(parameters.values() as Iterable<tf.Tensor>)], undefined as never, true);
  const outputs: Outputs = { 'out.loss': value.dataSync() };
  ['input', ...parameters.keys()].forEach((name, i) => {
    // What the loss does not touch has no gradient, and the case does not ask for one.
    if (grads[i]) outputs[`grad.${name}`] = (grads[i] as tf.Tensor).dataSync();
  });
  return outputs;
}

/**
 * What the case gives as `grad_official.*`: gradients on the official code's own path.
 * @param gradients those of our model with that path chosen; not computed unless the case asks
 */
export function officialGradients(fixture: ConformanceCase, gradients: () => Outputs): Outputs {
  const prefix = 'grad_official.';
  const asked = Object.keys(fixture.tensors).filter((name) => name.startsWith(prefix));
  if (asked.length === 0) return {};
  const all = gradients();
  return Object.fromEntries(
    asked.flatMap((name) => {
      const value = all[`grad.${name.slice(prefix.length)}`];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Tensors as the numbers that the runner compares. */
export function numbers(tensors: Record<string, tf.Tensor | undefined>): Outputs {
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[name, tensor.dataSync() as Float32Array]] : [])),
  );
}

/** What a case's mode means for a call of ours; all dropout rates of the cases are 0. */
export function callFor(fixture: ConformanceCase): { training: boolean; rng: Rng } {
  return { training: fixture.mode === 'train', rng: new Rng(0) };
}

/**
 * A call by which batch normalisation uses its running statistics, as it does in the cases of either mode: of models in
 * which nothing else tells training from inference, as all dropout rates are 0.
 */
export function frozenCall(): { training: boolean; rng: Rng } {
  return { training: false, rng: new Rng(0) };
}

/** Runs an adapter's body, then frees the module's parameters and every tensor made. */
export function withModule<M extends Module>(module: M, body: (module: M) => Outputs): Outputs {
  tf.engine().startScope();
  try {
    return body(module);
  } finally {
    tf.engine().endScope();
    module.dispose();
  }
}
