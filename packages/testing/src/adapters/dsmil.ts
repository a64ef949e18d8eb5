import * as tf from '@tensorflow/tfjs';
import { DSMIL, type Aggregation, type Aggregator, type BagTarget, type DSMILConfig } from '@mhim/mil-aggregators';
import { binaryCrossEntropy, Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf, loadParameters, lossAndGradients, numbers, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { dsmilConfig, OfficialArguments, originalDsmilConfig } from './official-config.js';

/** Stand-alone DSMIL: the official repository's class and the original authors'. */
export const dsmilAdapters: Adapters = {
  'mhim.dsmil': (fixture) => dsmil(fixture, dsmilConfig(fixture), targetOf(fixture)),
  'dsmil.original': (fixture) => {
    const labels = tf.tensor2d(fixture.data('label') as Int32Array, [1, fixture.data('label').length], 'int32');
    const config = originalDsmilConfig(new OfficialArguments(fixture.constructorArgs));
    return dsmil(fixture, config, { loss: (logits) => binaryCrossEntropy(logits, labels) });
  },
};

/** What cases over DSMIL compare beyond the interface; nothing for other aggregators. */
export function dsmilOutputs(aggregator: Aggregator, aggregation: Aggregation): Record<string, tf.Tensor> {
  if (!(aggregator instanceof DSMIL)) return {};
  const { attention, instanceLogits, maximum } = aggregation as ReturnType<DSMIL['aggregate']>;
  const perInstance: tf.Tensor2D = tf.transpose(attention as tf.Tensor2D);
  return {
    'out.logits_bag': aggregator.bagLogits(aggregation),
    'out.logits_max': maximum,
    'out.inst_logits': instanceLogits,
    'out.attn': perInstance,
    'out.attn_score': tf.max(perInstance, 1),
  };
}

/** The cases run with dropout 0 and running statistics, so as at inference whatever their mode. */
function dsmil(fixture: ConformanceCase, config: DSMILConfig, target: BagTarget): Outputs {
  return withModule(new DSMIL(config, new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const features = bagOf(fixture);
    const prediction = model.forward(features) as ReturnType<DSMIL['aggregate']> & ReturnType<DSMIL['forward']>;
    const { logits, maximum, instanceLogits, embedding } = prediction;
    return {
      ...lossAndGradients(model, features, () => model.loss(model.forward(features) as typeof prediction, target)),
      ...numbers({
        ...dsmilOutputs(model, prediction),
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.probs_sigmoid': tf.sigmoid(logits),
        'out.max_logits': maximum,
        'out.critical': tf.argMax(instanceLogits, 0),
        'out.B': embedding,
        'out.main_loss': target.loss(logits),
        'out.aux_loss': target.loss(maximum),
      }),
    };
  });
}
