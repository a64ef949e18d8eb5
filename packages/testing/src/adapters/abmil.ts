import * as tf from '@tensorflow/tfjs';
import { ABMIL, type ABMILConfig, type Positions } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import {
  bagOf,
  frozenCall,
  loadParameters,
  lossAndGradients,
  numbers,
  scalarOf,
  withModule,
} from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { abmilConfig, gatedConfig, OfficialArguments } from './official-config.js';

/** Stand-alone attention-based MIL: the official repository's two classes and Ilse et al.'s own head. */
export const abmilAdapters: Adapters = {
  'mhim.abmil': (fixture) => standAlone(fixture, abmilConfig(new OfficialArguments(fixture.constructorArgs))),
  'mhim.gabmil': (fixture) => standAlone(fixture, gatedConfig(new OfficialArguments(fixture.constructorArgs))),
  attdeepmil: ilse,
};

function standAlone(fixture: ConformanceCase, config: ABMILConfig): Outputs {
  return withModule(new ABMIL(config, new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const call = { ...frozenCall(), positions: positionsOf(fixture) };
    const features = bagOf(fixture);
    const { logits, attention, instances } = model.forward(features, call);
    return {
      ...lossAndGradients(model, features, () => model.loss(model.forward(features, call), targetOf(fixture))),
      ...numbers({
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.attn_raw': model.attentionScores(instances),
        'out.attn': attention,
        // Taken before the bag's own normalisation, whatever its description says.
        'out.bag_embed': tf.matMul(attention as tf.Tensor2D, instances),
        'out.feat': instances,
      }),
    };
  });
}

/** Row 0 of `aux.pos` is the grid's width and height, the others are the instances'. */
function positionsOf(fixture: ConformanceCase): Positions | undefined {
  if (!fixture.has('aux.pos')) return undefined;
  const [width, height, ...xy] = Array.from(fixture.data('aux.pos')) as [number, number, ...number[]];
  return { width, height, xy };
}

/** The published head works on 500 values behind a sigmoid output; its loss is the Bernoulli likelihood, clamped. */
function ilse(fixture: ConformanceCase): Outputs {
  const config: ABMILConfig = {
    inputDim: Number(fixture.config.in_dim ?? 800),
    embedDim: 500,
    classes: 1,
    activation: 'relu',
    dropout: 0,
    gated: fixture.config.gated === true,
    layout: 'ilse',
  };
  return withModule(new ABMIL(config, new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const features = bagOf(fixture);
    const label = scalarOf(fixture, 'label');
    const probability = () => tf.sigmoid(model.forward(features).logits);
    const likelihood = () => {
      const p = tf.clipByValue(probability(), 1e-5, 1 - 1e-5);
      return tf.squeeze(tf.neg(tf.log(label === 1 ? p : tf.sub(1, p)))) as tf.Scalar;
    };
    const prob = probability();
    return {
      ...lossAndGradients(model, features, likelihood),
      ...numbers({ 'out.prob': prob, 'out.attn': model.forward(features).attention }),
      'out.y_hat': (prob.dataSync()[0] as number) >= 0.5 ? 1 : 0,
    };
  });
}
