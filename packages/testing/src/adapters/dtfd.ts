import * as tf from '@tensorflow/tfjs';
import { DTFDMIL, officialDTFD, type DTFDMILConfig, type PseudoBags } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf, callFor, loadParameters, lossAndGradients, numbers, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { commonConfig, OfficialArguments } from './official-config.js';

/** DTFD-MIL as the official repository of MHIM-v2 has it, with one loss, and as its authors do, with two. */
export const dtfdAdapters: Adapters = { 'mhim.dtfd': oneLoss, 'dtfd.original': twoLosses };

/** `DTFD`. */
export function dtfdConfig(args: OfficialArguments): DTFDMILConfig {
  return officialDTFD({
    ...commonConfig(args),
    // Whatever `act` says.
    activation: 'relu',
    embedDim: args.number('inner_dim', 512),
    groups: args.number('group', 5),
    distillation: args.text('distill', 'AFS') as DTFDMILConfig['distillation'],
  });
}

/** The four modules of the authors' training loop and its options. */
function originalConfig(args: OfficialArguments): DTFDMILConfig {
  const groups = args.number('numGroup', 4);
  return {
    inputDim: args.number('in_dim', 1024),
    embedDim: args.number('mDim', 512),
    classes: args.number('C', 2),
    dropout: args.number('droprate', 0),
    residualBlocks: args.number('numLayer_Res', 0),
    groups,
    distilled: Math.floor(args.number('total_instance', 4) / groups),
    distillation: args.text('distill', 'AFS') as DTFDMILConfig['distillation'],
    tiers: 'joint',
  };
}

function oneLoss(fixture: ConformanceCase): Outputs {
  return withModule(new DTFDMIL(dtfdConfig(new OfficialArguments(fixture.constructorArgs)), new Rng(0)), (model) => {
    const { features, forward, outputs } = run(fixture, model);
    return {
      ...lossAndGradients(model, features, () => model.loss(forward(), targetOf(fixture))),
      ...outputs,
    };
  });
}

function twoLosses(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  return withModule(new DTFDMIL(originalConfig(args), new Rng(0)), (model) => {
    const { features, forward, outputs } = run(fixture, model);
    const tier = (name: string, loss: () => tf.Scalar) =>
      Object.fromEntries(
        Object.entries(lossAndGradients(model, features, loss)).map(([key, values]) => [
          key.replace(/^out\.loss$/, `out.loss${name}`).replace(/^grad\./, `grad${name}.`),
          values,
        ]),
      );
    return {
      ...tier('0', () => model.pseudoBagLoss(forward(), targetOf(fixture))),
      ...tier('1', () => targetOf(fixture).loss(forward().logits)),
      ...outputs,
    };
  });
}

function run(fixture: ConformanceCase, model: DTFDMIL) {
  loadParameters(model, fixture);
  const order = fixture.data('aux.perm') as Int32Array;
  const call = { ...callFor(fixture), pseudoBags: pseudoBagsOf(fixture, order) };
  const features = bagOf(fixture);
  const forward = () => model.forward(features, call);
  const { logits, pseudoLogits, distilled, selected, instances, ...aggregation } = forward();
  const instanceProbabilities = tf.softmax(model.instanceLogits(instances, aggregation));
  const outputs: Outputs = {
    ...numbers({
      'out.logits': logits,
      'out.probs': probabilities(logits),
      'out.sub_logits': pseudoLogits,
      'out.pseudo_feat': distilled,
      'out.inst_prob': tf.gather(tf.slice(instanceProbabilities, [0, model.classes - 1], [-1, 1]), order),
    }),
    ...(selected ? { 'out.selected': selected } : {}),
  };
  return { features, forward, outputs };
}

/** Consecutive slices of the case's permutation. */
function pseudoBagsOf(fixture: ConformanceCase, order: Int32Array): PseudoBags {
  let start = 0;
  return Array.from(fixture.data('aux.chunk_sizes'), (size) => order.subarray(start, (start += size)));
}
