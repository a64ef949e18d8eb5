import * as tf from '@tensorflow/tfjs';
import { MaxPooling, MeanPooling } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import type { Adapters } from '../conformance-case.js';
import { bagOf, loadParameters, lossAndGradients, numbers, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { OfficialArguments, poolingConfig } from './official-config.js';

/** Mean and max of instance logits. */
export const poolingAdapters: Adapters = {
  'mhim.meanmax': (fixture) => {
    const args = new OfficialArguments(fixture.constructorArgs);
    const Pooling = args.text('cls', 'MeanMIL') === 'MaxMIL' ? MaxPooling : MeanPooling;
    return withModule(new Pooling(poolingConfig(args), new Rng(0)), (model) => {
      loadParameters(model, fixture);
      const features = bagOf(fixture);
      const { logits, instances } = model.forward(features);
      const instanceLogits = model.instanceLogits(instances);
      return {
        ...lossAndGradients(model, features, () => model.loss(model.forward(features), targetOf(fixture))),
        ...numbers({
          'out.logits': logits,
          'out.probs': probabilities(logits),
          'out.inst_logits': instanceLogits,
          'out.argmax': tf.argMax(instanceLogits, 0),
        }),
      };
    });
  },
};
