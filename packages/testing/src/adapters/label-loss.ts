import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from '@mhim/tensor';
import { discreteNll } from '@mhim/survival-losses';
import type { BagTarget } from '@mhim/mil-aggregators';
import type { ConformanceCase } from '../conformance-case.js';
import { scalarOf } from './fixture-tensors.js';

/** Cross-entropy at the case's label, or the survival likelihood where the case gives a censoring flag. */
export function targetOf(fixture: ConformanceCase, name = 'label'): BagTarget {
  const label = scalarOf(fixture, name);
  if (!fixture.has('aux.c')) return { label, loss: (logits) => crossEntropy(logits, label) };
  const censored = scalarOf(fixture, 'aux.c') === 1;
  return { loss: (logits) => discreteNll(logits, { bin: label, censored }) };
}

/** Class probabilities of logits [1, c]. */
export function probabilities(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.softmax(logits);
}
