import * as tf from '@tensorflow/tfjs';
import {
  assessInstances,
  instanceProbability,
  MHIMv2,
  rankingScore,
  type HardInstances,
  type MHIMv2Config,
  type MiningCall,
} from '@mhim/hard-mining';
import type { Aggregation, TransMILAggregation } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { dsmilOutputs } from './dsmil.js';
import {
  bagOf,
  callFor,
  loadParameters,
  lossAndGradients,
  numbers,
  officialGradients,
  withModule,
} from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { mhimBaseOf } from './mhim-bases.js';
import { mhimConfig, requireOneVersion } from './official-config.js';
import { valuesByHead } from './transmil.js';

/** `MHIM` as a whole: teacher scores, student pass, baseline and inference. */
export const mhimAdapters: Adapters = {
  'mhim.score': score,
  'mhim.student': student,
  'mhim.pure': pure,
  'mhim.infer': infer,
  'mhim.ema': ema,
};

/** The model that a case describes, with random parameters. */
export function createMHIM(fixture: ConformanceCase, rng = new Rng(0), overrides: Partial<MHIMv2Config> = {}): MHIMv2 {
  return new MHIMv2(mhimBaseOf(fixture), rng, { ...mhimConfig(fixture), ...overrides });
}

/** The same with the case's parameters; without `tparam.*` the teacher is a copy of the student. */
export function loadMHIM(fixture: ConformanceCase, overrides?: Partial<MHIMv2Config>): MHIMv2 {
  const model = createMHIM(fixture, new Rng(0), overrides);
  loadParameters(model, fixture);
  if (Object.keys(fixture.tensors).some((name) => name.startsWith('tparam.'))) {
    loadParameters(model.teacher, fixture, 'tparam.');
  } else model.teacher.copyFrom(model);
  return model;
}

/** The case's permutations in place of random ones. */
export function drawsOf(fixture: ConformanceCase, prefix = 'aux.'): MiningCall['draws'] {
  const fixed = (name: string) =>
    fixture.has(prefix + name) ? () => fixture.data(prefix + name) as Int32Array : undefined;
  return { highScore: fixed('hs_perm'), split: fixed('merge_perm') };
}

/** What high-score masking alone leaves, in the official order. */
export function survivors(n: number, { masked }: HardInstances): Int32Array {
  const gone = new Set(masked);
  return Int32Array.from({ length: n }, (_, i) => i).filter((i) => !gone.has(i));
}

/** The published score of every instance; where that is a probability, ranking uses the margin, which has the same order. */
export function teacherScore(model: MHIMv2, features: tf.Tensor2D): tf.Tensor1D {
  if (model.config.score === 'attention') return attentionScore(model, features);
  const { aggregator } = model.teacher;
  const instances = aggregator.embed(features);
  const logits = aggregator.instanceLogits(instances, aggregator.aggregate(instances));
  return aggregator.instanceScore === 'logit' ? rankingScore(logits, 'logit') : instanceProbability(logits);
}

/** The teacher's attention as it ranks by it, [heads·n], or [n] where an instance counts by its largest. */
function attentionScore({ teacher, config }: MHIMv2, features: tf.Tensor2D): tf.Tensor1D {
  const { scores, heads, embedding } = assessInstances(teacher.aggregator, features, 'attention', {});
  embedding.dispose();
  if (config.headFusion !== 'max') return tf.tensor1d(scores);
  return tf.max(tf.tensor2d(scores, [heads, scores.length / heads]), 0);
}

function score(fixture: ConformanceCase): Outputs {
  return withModule(loadMHIM(fixture), (model) => {
    const features = bagOf(fixture);
    const { scores } = model.mine(features, { rng: new Rng(0) });
    const { aggregator } = model.teacher;
    const prediction = aggregator.forward(features);
    const { attention, embedding } = prediction;
    const { values } = prediction as Partial<TransMILAggregation>;
    const order = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
    return {
      ...numbers({
        'out.score': teacherScore(model, features),
        'out.t_feat': embedding,
        'out.attn': attention,
        'out.attn_score': attentionScore(model, features),
        'out.v': values && valuesByHead(values, attention?.shape[0] as number),
        ...dsmilOutputs(aggregator, prediction),
      }),
      'out.rank': order,
    };
  });
}

function student(fixture: ConformanceCase): Outputs {
  requireOneVersion(fixture);
  return withModule(loadMHIM(fixture), (model) => {
    const features = bagOf(fixture);
    const scheduled = fixture.config.mrh;
    const hard = model.mine(features, {
      rng: new Rng(0),
      draws: drawsOf(fixture),
      maskRatioHigh: typeof scheduled === 'number' ? scheduled : undefined,
    });
    const step = (from = model) => from.studentPass(features, hard, targetOf(fixture), callFor(fixture));
    const pass = step();
    const { logits, embedding, labelLoss, consistency, recycled } = pass;
    const outputs: Outputs = {
      ...lossAndGradients(model, features, () => step().loss),
      ...officialGradients(fixture, () =>
        withModule(loadMHIM(fixture, { officialGradient: true }), (official) =>
          lossAndGradients(official, features, () => step(official).loss),
        ),
      ),
      ...numbers({
        'out.score': teacherScore(model, features),
        'out.t_feat': model.teacher.aggregator.forward(features).embedding,
        'out.s_feat': embedding,
        'out.logits': logits,
        'out.cls_loss': labelLoss,
        'out.cl_loss': consistency ?? tf.scalar(0),
        ...dsmilOutputs(model.student, pass),
      }),
      'out.hs_masked': hard.masked,
      'out.hs_kept': survivors(features.shape[0], hard),
      'out.kept': hard.kept,
      'out.recycled': hard.recycled,
      'out.student_tokens': hard.kept.length + (recycled?.shape[0] ?? 0),
    };
    model.afterStep(recycled);
    return { ...outputs, ...numbers({ 'out.global_q_after': model.recycle?.globalQuery }) };
  });
}

/** `mhim_pure`: the base alone, with the names it has inside `MHIM`. */
function pure(fixture: ConformanceCase): Outputs {
  return withModule(mhimBaseOf(fixture)(new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const features = bagOf(fixture);
    const forward = () => model.forward(features, callFor(fixture));
    const prediction = forward();
    const { logits } = prediction;
    return {
      ...lossAndGradients(model, features, () => model.loss(forward(), targetOf(fixture))),
      ...numbers({ 'out.logits': logits, 'out.probs': probabilities(logits), ...dsmilOutputs(model, prediction) }),
    };
  });
}

function infer(fixture: ConformanceCase): Outputs {
  return withModule(loadMHIM(fixture), (model) => {
    const { student, config } = model;
    const prediction = model.predict(bagOf(fixture));
    const { logits, instances, attention } = prediction;
    // What `forward_test` calls attention is, over DSMIL, the score of each instance.
    const overDsmil = student.instanceScore === 'logit';
    const scores = () =>
      config.score === 'probability'
        ? rankingScore(student.instanceLogits(instances, prediction), 'logit')
        : tf.max(attention as tf.Tensor2D, 0);
    return numbers({
      'out.logits': logits,
      'out.probs': probabilities(logits),
      ...dsmilOutputs(student, prediction),
      'out.attn': overDsmil ? scores() : attentionOf(prediction),
    });
  });
}

/** Of TransMIL the cases hold the attention of both layers. */
function attentionOf(aggregation: Aggregation): tf.Tensor | undefined {
  const { attention, lastAttention } = aggregation as Partial<TransMILAggregation>;
  return attention && lastAttention ? tf.stack([attention, lastAttention]) : attention;
}

function ema(fixture: ConformanceCase): Outputs {
  return withModule(loadMHIM(fixture), (model) => {
    model.afterStep();
    const after = [...model.teacher.parameters()].map(([name, value]) => [`out.after.${name}`, value] as const);
    return numbers(Object.fromEntries(after));
  });
}
