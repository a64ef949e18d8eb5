import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from '@mhim/tensor';
import { discreteNll } from '@mhim/survival-losses';
import type { LabelLoss } from '@mhim/hard-mining';
import type { ConformanceCase } from '../conformance-case.js';
import { scalarOf } from './fixture-tensors.js';

/** Cross-entropy at the case's label, or the survival likelihood where the case gives a censoring flag. */
export function labelLossOf(fixture: ConformanceCase, label = 'label'): LabelLoss {
  const at = scalarOf(fixture, label);
  if (!fixture.has('aux.c')) return (logits) => crossEntropy(logits, at);
  const censored = scalarOf(fixture, 'aux.c') === 1;
  return (logits) => discreteNll(logits, { bin: at, censored });
}

/** Class probabilities of logits [1, c]. */
export function probabilities(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.softmax(logits);
}
