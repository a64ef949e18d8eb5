import type { Cost } from '@mhim/figures';
import type { TrainConfig } from '../config/train-config.js';
import { stageCost, type StageCost } from '../run/stage-cost.js';
import type { Protocol, TrainedStage } from '../run/train-run.js';
import { modelsOf } from './fold-curves.js';

/** What the trainings of a model took on average, and their memory at the most; undefined where none says. */
export function costOfTrainings(model: string, folders: readonly string[]): Cost | undefined {
  const costs = folders.flatMap((folder) => stageCost(folder) ?? []);
  const [first] = costs;
  if (!first) return undefined;
  const mean = (of: (cost: StageCost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    model,
    machine: [...new Set(costs.map(({ machine }) => machine))].join('; '),
    parameters: first.parameters,
    epochSeconds: mean(({ stepSeconds, trainBags }) => stepSeconds * trainBags),
    bagsPerSecond: 1 / mean(({ predictSeconds }) => predictSeconds),
    processMegabytes: Math.max(...costs.map(({ residentBytes }) => residentBytes)) / 1e6,
  };
}

/** Of a run under one protocol, a line a model. */
export function runCosts(stages: readonly TrainedStage[], protocol: Protocol, config: TrainConfig): Cost[] {
  return modelsOf(stages, protocol, config).flatMap(
    ({ model, folds }) =>
      costOfTrainings(
        model,
        folds.map(({ folder }) => folder),
      ) ?? [],
  );
}
