import * as tf from '@tensorflow/tfjs';
import { IBMIL, type BagTarget, type ConfounderMerge, type IBMILConfig } from '@mhim/mil-aggregators';
import { binaryCrossEntropy, Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf, callFor, loadParameters, lossAndGradients, numbers, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { commonConfig, OfficialArguments } from './official-config.js';

/** IBMIL as the official repository of MHIM-v2 has it, and its authors' attention model. */
export const ibmilAdapters: Adapters = {
  'mhim.ibmil': (fixture) => ibmil(fixture, ibmilConfig, targetOf(fixture)),
  'ibmil.original': (fixture) => ibmil(fixture, originalConfig, multiHotTarget(fixture)),
};

/** `Dattention_ori`: `confounders` is the dictionary's size here, its file's path officially. */
export function ibmilConfig(args: OfficialArguments): IBMILConfig {
  return { ...commonConfig(args), confounders: args.number('confounders', 0) };
}

function originalConfig(args: OfficialArguments): IBMILConfig {
  const inputDim = args.number('in_size', 512);
  return {
    inputDim,
    classes: args.number('out_size', 2),
    attentionDim: inputDim,
    dropout: 0,
    confounders: args.number('K', 0),
    confounderDim: args.number('confounder_dim', 128),
    merge: args.text('confounder_merge', 'cat') as ConfounderMerge,
    learnConfounders: args.flag('confounder_learn', false),
    layout: 'original',
  };
}

function ibmil(fixture: ConformanceCase, config: (args: OfficialArguments) => IBMILConfig, target: BagTarget): Outputs {
  return withModule(new IBMIL(config(new OfficialArguments(fixture.constructorArgs)), new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const features = bagOf(fixture);
    const forward = () => model.forward(features, callFor(fixture));
    const { logits, attention, instances, embedding } = forward();
    const { weights, mix, merged = embedding } = model.deconfound(embedding) ?? {};
    return {
      ...lossAndGradients(model, features, () => model.loss(forward(), target)),
      ...numbers({
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.attn_raw': model.attentionScores(instances),
        'out.attn': attention,
        'out.deconf_attn': weights,
        'out.conf_feat': mix,
        'out.bag_embed': merged,
      }),
    };
  });
}

/** One 0 or 1 a class. */
function multiHotTarget(fixture: ConformanceCase): BagTarget {
  return {
    loss: (logits) => binaryCrossEntropy(logits, tf.tensor2d(fixture.data('label') as Int32Array, logits.shape)),
  };
}
