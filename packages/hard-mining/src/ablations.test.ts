import { beforeAll, describe, expect, it } from 'vitest';
import type * as tf from '@tensorflow/tfjs';
import { ABMIL, mhimABMIL } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { ablations } from './ablations.js';
import { initialiseAggregator, initialiseFromBaseline } from './initialise.js';
import type { MHIMv2Config } from './mhim-v2-config.js';
import { MHIMv2 } from './mhim-v2.js';
import { needsBaseline } from './mining-config.js';
import { bagOf, trainingStep } from './test-helpers.js';

const inputDim = 6;
const base = mhimABMIL({ inputDim, embedDim: 8 });
const create = (config: Partial<MHIMv2Config>) =>
  new MHIMv2((rng) => new ABMIL(base, rng), new Rng(0), { queries: 2, recycleHeads: 2, recycleHeadDim: 4, ...config });
let bag: tf.Tensor2D;
const baseline = () => new ABMIL(base, new Rng(9));
const rows = Object.entries(ablations).flatMap(([table, entries]) =>
  Object.entries(entries).map(([row, config]) => [table, row, config] as [string, string, Partial<MHIMv2Config>]),
);

beforeAll(async () => {
  await useNativeForTests();
  bag = bagOf(100, inputDim);
});

describe('the paper’s ablations', () => {
  it.each(rows)('%s, %s', (_table, _row, config) => {
    const model = create(config);
    initialiseFromBaseline(model, baseline().stateDict());
    const { finite, consistency, hard, reached } = trainingStep(model, bag, new Rng(0), { step: 50, totalSteps: 100 });
    expect(finite).toBe(true);
    // Half of βh is left in the middle of training, unless it does not decay.
    expect(hard.masked).toHaveLength(model.config.maskRatioHighDecay === 'cosine' ? 2 : 3);
    expect(hard.recycled).toHaveLength(model.config.split === 'none' ? 0 : hard.masked.length === 2 ? 79 : 78);
    expect(consistency === undefined).toBe(model.config.consistencyWeight === 0);
    expect(reached.some((name) => name.startsWith('merge.'))).toBe(model.config.recycle);
    expect(tensorsLeftBy(() => trainingStep(model, bag, new Rng(1)))).toBe(0);
    model.dispose();
  });

  it('Table 8: attention and instance probability are different scores', () => {
    const scores = (score: MHIMv2Config['score']) =>
      create({ score, teacherDropout: false }).mine(bag, { rng: new Rng(0) }).scores;
    expectAllClose(scores('attention'), create({}).student.forward(bag).attention?.dataSync() as Float32Array);
    expect(scores('attention')).not.toEqual(scores('probability'));
  });

  it('Table 9: low score masking recycles the lowest of the survivors', () => {
    const { kept, recycled, scores } = create({ split: 'low-score' }).mine(bag, { rng: new Rng(0) });
    const of = (indices: Int32Array) => Array.from(indices, (i) => scores[i] as number);
    expect(Math.max(...of(recycled))).toBeLessThanOrEqual(Math.min(...of(kept)));
  });

  it('Table 10: teachers start and move as their rows say', () => {
    const weight = (module: { parameters(): Map<string, tf.Variable> }) =>
      (module.parameters().get('predictor.weight') as tf.Variable).dataSync().slice();
    const trained = weight(baseline());
    const run = (config: Partial<MHIMv2Config>) => {
      const model = create({ momentum: 0.5, ...config });
      initialiseFromBaseline(model, baseline().stateDict());
      const start = weight(model.teacher);
      trainingStep(model, bag, new Rng(0));
      return { model, start, end: weight(model.teacher) };
    };
    const copy = run(ablations['Table 10']['Student copy']);
    expect(copy.model.teacher.aggregator).toBe(copy.model.student);
    expect(copy.start).not.toEqual(trained);
    expect(copy.end).toEqual(weight(copy.model));
    const fixed = run(ablations['Table 10']['Init.']);
    expect([fixed.start, fixed.end]).toEqual([trained, trained]);
    const momentum = run(ablations['Table 10'].Momentum);
    expect(momentum.start).not.toEqual(trained);
    expect(momentum.end).not.toEqual(momentum.start);
    const both = run(ablations['Table 10']['Init.+Momentum']);
    expect(both.start).toEqual(trained);
    expect(both.end).not.toEqual(trained);
    // A teacher that the baseline does not initialise starts as the student, feature layer included.
    const alone = create({ initTeacher: false });
    initialiseFromBaseline(alone, baseline().stateDict());
    for (const [name, value] of alone.teacher.parameters()) {
      expectAllClose(value, alone.parameters().get(name) as tf.Tensor);
    }
  });

  it('Table 11: an aggregator alone starts from a trained feature layer too', () => {
    const [model, trained] = [new ABMIL(base, new Rng(1)), baseline()];
    initialiseAggregator(model, trained.stateDict(), 'feature');
    expectAllClose(model.embed(bag), trained.embed(bag));
    expect(model.forward(bag).logits.dataSync()).not.toEqual(trained.forward(bag).logits.dataSync());
    initialiseAggregator(model, trained.stateDict(), 'all');
    expectAllClose(model.forward(bag).logits, trained.forward(bag).logits);
  });

  it('says which configurations start from a baseline', () => {
    const needs = (config: Partial<MHIMv2Config>) => needsBaseline(create(config).config);
    expect(needs({})).toBe(true);
    expect(needs({ initStudent: 'none' })).toBe(true);
    expect(needs({ initTeacher: false, initStudent: 'none' })).toBe(false);
    expect(needs({ teacher: 'student', initStudent: 'none' })).toBe(false);
  });
});
