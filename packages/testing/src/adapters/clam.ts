import * as tf from '@tensorflow/tfjs';
import {
  CLAMMB,
  CLAMSB,
  clusterInstances,
  decidedRows,
  topKSvm,
  type CLAM,
  type CLAMConfig,
} from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf, loadParameters, lossAndGradients, numbers, scalarOf, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { clamConfig, OfficialArguments, originalClamConfig } from './official-config.js';

/** CLAM of the official repository and of its authors, and the losses of its instance classifiers. */
export const clamAdapters: Adapters = {
  'mhim.clam': (fixture) => clam(fixture, clamConfig(fixture)),
  'clam.original': (fixture) => clam(fixture, originalClamConfig(fixture)),
  'topk.svm': svm,
};

/** `CLAM_SB` or `CLAM_MB`. */
export function createClam(args: OfficialArguments, config: CLAMConfig, rng: Rng): CLAM {
  return args.text('cls', 'CLAM_SB') === 'CLAM_MB' ? new CLAMMB(config, rng) : new CLAMSB(config, rng);
}

/** The cases run with dropout 0, so as at inference whatever their mode. */
function clam(fixture: ConformanceCase, config: CLAMConfig): Outputs {
  return withModule(createClam(new OfficialArguments(fixture.constructorArgs), config, new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const [features, target] = [bagOf(fixture), targetOf(fixture)];
    const prediction = model.forward(features);
    const { logits, embedding, instances, attention } = prediction;
    const label = scalarOf(fixture, 'label');
    const verdicts = model.judgeInstances(prediction, label);
    // One row of indices a branch: the label's class has both ends, the others only what subtyping asks of them.
    const ends = Array.from({ length: (attention as tf.Tensor2D).shape[0] }, (_, branch) => {
      const row = tf.slice(attention as tf.Tensor2D, [branch, 0], [1, -1]);
      const { indices } = clusterInstances(row, 0, { ...model.config, classes: 1 });
      return tf.split(indices, 2);
    });
    return {
      ...lossAndGradients(model, features, () => model.loss(model.forward(features), target)),
      ...numbers({
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.attn_raw': model.attentionScores(instances),
        'out.attn': attention,
        'out.bag_embed': embedding,
        'out.bag_loss': target.loss(logits),
        'out.inst_loss': model.instanceLoss(prediction, label),
        'out.inst_preds': tf.concat(verdicts.map((verdict) => tf.argMax(verdict.logits, 1))),
        'out.top_ids': tf.concat(ends.map(([top]) => top as tf.Tensor)),
        'out.bottom_ids': tf.concat(ends.map(([, bottom]) => bottom as tf.Tensor)),
      }),
      'out.inst_targets': verdicts.flatMap(({ targets }) => targets),
    };
  });
}

/** `SmoothTop1SVM`, `SmoothTopkSVM` and the two without smoothing. */
function svm(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  const cls = args.text('cls', 'SmoothTop1SVM');
  const options = {
    k: cls.includes('Topk') ? args.number('k', 5) : 1,
    margin: args.number('alpha', 1),
    temperature: cls.startsWith('Smooth') ? args.number('tau', 1) : 0,
  };
  const labels = fixture.data('label');
  const { value, grad } = tf.valueAndGrad((x) => topKSvm(x as tf.Tensor2D, labels as Int32Array, options))(
    bagOf(fixture),
  );
  return numbers({
    'out.loss': value,
    'grad.input': grad,
    'out.hard': tf.cast(decidedRows(bagOf(fixture), options), 'int32'),
  });
}
