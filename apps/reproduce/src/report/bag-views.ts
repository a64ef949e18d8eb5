import type { BagInfo, BagSource } from '@mhim/datasets';
import type { BagView, InstanceScores } from '@mhim/figures';
import { rocAuc, tryMetric } from '@mhim/metrics';
import { riskOf } from '@mhim/training';
import { StoredModel } from '../models/stored-model.js';
import { isSurvival } from '../run/results.js';
import type { TrainedStage } from '../run/train-run.js';
import { stageName, type TrainedModel } from './model-names.js';
import { className } from './fold-curves.js';

export interface BagViewOptions {
  /** What the run trains. */
  trained: TrainedModel;
  /** How many positive and negative bags of the fold's test part; of survival, deaths and censored ones. */
  positive: number;
  negative: number;
  /** What the instance labels say, and where they come from. */
  instanceClasses?: BagView['instanceClasses'];
  /** Stands before the bag's id. */
  prefix?: string;
}

/** The first test bags of a fold as the models of its stages see their instances: not chosen for what they show. */
export async function bagViews(
  source: BagSource,
  stages: readonly TrainedStage[],
  { trained, positive, negative, instanceClasses, prefix = '' }: BagViewOptions,
): Promise<BagView[]> {
  const [first] = stages;
  if (!first) return [];
  const shown = stages.filter(({ fold, protocol }) => fold === first.fold && protocol === first.protocol);
  const index = new Map(source.bags.map(({ id }, i) => [id, i]));
  const { test } = first.fit.best;
  const kinds = isSurvival(test) ? test.events : test.labels;
  const some = (kind: number, count: number) => test.ids.filter((_, i) => kinds[i] === kind).slice(0, count);
  const models: [string, StoredModel][] = [];
  const views: BagView[] = [];
  try {
    for (const { stage, folder } of shown) models.push([stageName(stage, trained), await StoredModel.open(folder)]);
    for (const id of [...some(1, positive), ...some(0, negative)]) {
      const bag = await source.read(index.get(id) as number);
      const instanceLabels = bag.instanceLabels?.map((label) => (label > 0 ? 1 : 0));
      const scores = models.map(([name, model]): InstanceScores => {
        const { attention, scores: margins } = model.explain(bag);
        const probabilities = model.probabilities(bag);
        const call = probabilities.indexOf(Math.max(...probabilities));
        const values = attention ?? margins;
        return {
          model: name,
          name: attention ? 'attention' : 'instance score',
          description: attention
            ? 'share of the instance in the bag embedding; those of all instances, recycled ones included, sum to 1'
            : 'class-aware margin of the instance',
          className: 'any class',
          values,
          instanceAuc: instanceLabels && tryMetric(() => rocAuc(instanceLabels, values)),
          predicted: isSurvival(test)
            ? { label: `risk ${riskOf(probabilities).toFixed(2)}` }
            : { label: className(call, source.classes), probability: probabilities[call] },
        };
      });
      views.push({
        bag: `${prefix}${id}`,
        label: isSurvival(test) ? outcomeName(source, id) : className(bag.label as number, source.classes),
        fold: first.fold + 1,
        coords: bag.coords,
        instanceLabels,
        instanceClasses: instanceLabels && instanceClasses,
        scores,
      });
    }
  } finally {
    for (const [, model] of models) model.dispose();
  }
  return views;
}

function outcomeName({ bags }: BagSource, id: string): string {
  const { time, event } = bags.find((bag) => bag.id === id) as BagInfo;
  return `${event === 1 ? 'died' : 'censored'} at ${time}`;
}
