import type { BagInfo } from '@mhim/datasets';
import { cIndex, survivalCurves, tryMetrics } from '@mhim/metrics';
import { discreteNll, fitTimeBins, timeBinOf } from '@mhim/survival-losses';
import { MhimError } from '@mhim/tensor';
import type { Task } from './task.js';

export interface SurvivalTaskOptions {
  /** How many time bins, the model's outputs. Default 4. */
  bins?: number;
  /**
   * Whose event times make the edges of the bins: the training bags' (default), or all bags', as in the official code, whose
   * edges have seen the test fold.
   */
  binsFrom?: 'train' | 'cohort';
  /** Extra weight of the uncensored part of the likelihood, default 0. */
  alpha?: number;
}

/** A model's predictions on some bags, plain data. */
export interface SurvivalPredictions {
  ids: string[];
  times: number[];
  /** 1 = died, 0 = censored. */
  events: number[];
  /** −Σ survival over the bins: higher = earlier death. */
  risks: number[];
  /** Probability of surviving each bin, [bags][bins]. */
  survival: number[][];
}

/** The figures of one fold. */
export interface SurvivalMetrics {
  /** Null where no two bags are comparable. */
  cIndex: number | null;
  /** Why it is null. */
  reasons?: { cIndex?: string };
}

/** What each figure of {@link SurvivalMetrics} is, for result files and footnotes. */
export const survivalMetricDefinitions = {
  cIndex:
    'Harrell’s C-index of the risk −ΣS: share of comparable pairs of bags in which the earlier death has the higher risk, equal risks counting half',
} as const;

export interface SurvivalTask extends Task<SurvivalPredictions, SurvivalMetrics> {
  /** Edges of the time bins, [bins + 1]. */
  readonly edges: readonly number[];
}

/**
 * Discrete-time survival: the model's logits are hazards of time bins, the loss their likelihood, epochs are chosen by the C-index.
 * @param bags all bags of a source, with `time` and `event`
 * @param train places of the training bags
 * @throws MhimError `data` for a bag without outcome, no death among them, or event times whose quantiles coincide
 */
export function survivalTask(
  bags: readonly BagInfo[],
  train: readonly number[],
  { bins = 4, binsFrom = 'train', alpha = 0 }: SurvivalTaskOptions = {},
): SurvivalTask {
  const fitted = (binsFrom === 'train' ? train.map((index) => bags[index] as BagInfo) : bags).map(outcomeOf);
  const edges = fitTimeBins(
    fitted.map(({ time }) => time),
    fitted.map(({ event }) => event),
    bins,
  );
  return {
    name: 'survival',
    outputs: bins,
    edges,
    identity: { edges, alpha },
    target(bag) {
      const { time, event } = outcomeOf(bag);
      const outcome = { bin: timeBinOf(edges, time), censored: event === 0 };
      return { loss: (logits) => discreteNll(logits, outcome, { alpha }) };
    },
    predictions(some, logits) {
      const outcomes = some.map(outcomeOf);
      const survival = logits.map((row) => Array.from(survivalCurves(row, bins)));
      return {
        ids: some.map(({ id }) => id),
        times: outcomes.map(({ time }) => time),
        events: outcomes.map(({ event }) => event),
        risks: survival.map(riskOf),
        survival,
      };
    },
    selection: concordanceOf,
    metrics: survivalMetrics,
  };
}

/** The figures of predictions. */
export function survivalMetrics(test: SurvivalPredictions): SurvivalMetrics {
  return tryMetrics({ cIndex: () => concordanceOf(test) });
}

/** −Σ of a survival curve over the bins. */
export function riskOf(survival: readonly number[]): number {
  return survival.reduce((risk, alive) => risk - alive, 0);
}

function concordanceOf({ times, events, risks }: SurvivalPredictions): number {
  return cIndex({ time: times, event: events }, risks);
}

function outcomeOf({ id, time, event }: BagInfo): { time: number; event: 0 | 1 } {
  if (time !== undefined && event !== undefined) return { time, event };
  throw new MhimError('has no survival time and event.', {
    code: 'data',
    path: `bag "${id}"`,
    hint: 'Name a label table with the columns time and event (1 = died), or censorship (1 = not).',
  });
}
