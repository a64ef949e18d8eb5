import * as tf from '@tensorflow/tfjs';
import {
  BatchNorm,
  binaryCrossEntropy,
  causalConvolution,
  crossEntropy,
  gelu,
  LayerNorm,
  rmsNorm,
  silu,
  softplus,
} from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf, numbers, tensorOf, withModule } from './fixture-tensors.js';

/** Single operations. */
export const operationAdapters: Adapters = { 'op.basic': basic, 'op.crossentropy': losses };

function basic(fixture: ConformanceCase): Outputs {
  const x = bagOf(fixture);
  const [w, b] = [tensorOf<tf.Rank.R1>(fixture, 'aux.w'), tensorOf<tf.Rank.R1>(fixture, 'aux.b')];
  const plain = withModule(new LayerNorm(x.shape[1]), (norm) => {
    norm.loadStateDict({ weight: w, bias: b });
    return numbers({
      'out.layer_norm': norm.forward(x),
      'out.gelu': gelu(x),
      'out.gelu_grad': tf.grad((v) => gelu(v))(x),
      'out.erf': tf.erf(x),
      'out.silu': silu(x),
      'out.softplus': softplus(x),
      'out.log_softmax': tf.logSoftmax(x),
      'out.rms': rmsNorm(x, w),
      'out.causal_conv': causalConvolution(
        x,
        tensorOf<tf.Rank.R2>(fixture, 'aux.k'),
        tensorOf<tf.Rank.R1>(fixture, 'aux.kb'),
      ),
    });
  });
  const normed = withModule(new BatchNorm(x.shape[1]), (norm) =>
    numbers({
      'out.batch_norm_train': norm.forward(x, { training: true }),
      'out.bn_running_var': norm.runningVariance,
    }),
  );
  tf.dispose([x, w, b]);
  return { ...plain, ...normed };
}

function losses(fixture: ConformanceCase): Outputs {
  const labels = fixture.data('label');
  const forms: Record<string, (logits: tf.Tensor2D) => tf.Scalar> = {
    ce: (logits) => crossEntropy(logits, labels),
    ce_smooth: (logits) => crossEntropy(logits, labels, { labelSmoothing: 0.1 }),
    ce_weighted: (logits) => crossEntropy(logits, labels, { classWeights: fixture.data('aux.w') }),
    bce: (logits) => binaryCrossEntropy(logits, tensorOf(fixture, 'aux.y')),
  };
  const outputs: Outputs = {};
  tf.tidy(() => {
    for (const [name, loss] of Object.entries(forms)) {
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => loss(x as tf.Tensor2D))(bagOf(fixture));
      Object.assign(outputs, numbers({ [`out.${name}`]: value, [`grad.${name}`]: grad }));
    }
  });
  return outputs;
}
