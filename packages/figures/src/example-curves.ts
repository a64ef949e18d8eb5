import { averagePrecision, kaplanMeier, logRankTest, precisionRecallCurve, tryMetric } from '@mhim/metrics';
import type { PrecisionRecallPoints, PublishedTable, SurvivalCurves, Sweep } from './report-data.js';

type Random = () => number;

/** Made-up precision–recall points of one fold. */
export function examplePrecisionRecall(separation: number, random: Random): PrecisionRecallPoints {
  const labels = Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const scores = labels.map((label) => label * separation + random());
  const { recall, precision } = precisionRecallCurve(labels, scores);
  return {
    recall: Array.from(recall),
    precision: Array.from(precision),
    averagePrecision: tryMetric(() => averagePrecision(labels, scores)),
  };
}

/** Made-up cases of high and of low risk. */
export function exampleSurvival(model: string, random: Random): SurvivalCurves {
  const cases = Array.from({ length: 160 }, (_, i) => {
    const high = i % 2;
    const time = Math.min(-Math.log(1 - random()) * (high ? 28 : 55), 90);
    return { high, time, event: time < 90 && random() < 0.6 ? 1 : 0 };
  });
  const group = (name: string, high: number) => {
    const own = cases.filter((each) => each.high === high);
    const curve = kaplanMeier(outcomeOf(own));
    return {
      name,
      times: Array.from(curve.times),
      survival: Array.from(curve.survival),
      lower: Array.from(curve.lower),
      upper: Array.from(curve.upper),
      atRisk: Array.from(curve.atRisk),
      censored: own.filter(({ event }) => event === 0).map(({ time }) => time),
    };
  };
  const outcome = outcomeOf(cases);
  const groups = cases.map(({ high }) => high);
  return {
    model,
    protocol: 'honest',
    unit: 'months',
    grouping: 'Cases of predicted risk above and below the median of their fold.',
    groups: [group('low risk', 0), group('high risk', 1)],
    logRank: tryMetric(() => logRankTest(outcome, groups).p),
  };
}

function outcomeOf(cases: readonly { time: number; event: number }[]) {
  return { time: cases.map(({ time }) => time), event: cases.map(({ event }) => event) };
}

/** Made-up means of a model over an option. */
export function exampleSweep(random: Random): Sweep {
  const line = (name: string, level: number) => ({
    name,
    points: [0, 0.01, 0.02, 0.03, 0.05, 0.1].map((at, i) => ({
      at,
      values: { folds: Array.from({ length: 5 }, () => ({ value: level + 0.01 * i + 0.03 * random() })) },
      reference: level + 0.03 - 0.002 * (i - 3) ** 2,
    })),
  });
  return {
    title: 'High score mask ratio',
    option: 'βh',
    metric: 'AUC',
    lines: [line('MHIM-v2 (AB-MIL)', 0.9), line('MHIM-v2 (TransMIL)', 0.88)],
  };
}

export function examplePublished(models: readonly string[], random: Random): PublishedTable {
  const folds = (level: number) => ({ folds: Array.from({ length: 5 }, () => ({ value: level + 0.04 * random() })) });
  return {
    title: 'Diagnosis on simulated slides',
    source: 'a made-up paper, Table 3',
    note: 'Ours are of simulated slides: the columns do not compare.',
    metrics: [
      { id: 'auc', name: 'AUC' },
      { id: 'f1', name: 'F1' },
    ],
    rows: [
      ...models.map((label, i) => ({
        label,
        values: {
          auc: { ours: folds(0.9 + 0.02 * i), published: { mean: 0.94 + 0.02 * i, std: 0.011 } },
          f1: { ours: folds(0.85), published: { mean: 0.9 } },
        },
      })),
      { label: 'TransMIL', values: { auc: { published: { mean: 0.93, std: 0.02 } } } },
    ],
  };
}
