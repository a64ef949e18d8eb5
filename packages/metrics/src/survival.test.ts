import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as metrics from './index.js';

/** Freireich's leukaemia trial (1963), remission in weeks: 6-mercaptopurine, then placebo. */
const time = [
  ...[6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
  ...[1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23],
];
const event = [
  ...[1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
];
const arm = time.map((_, i) => (i < 21 ? 0 : 1));
const treated = { time: time.slice(0, 21), event: event.slice(0, 21) };

describe('Kaplan–Meier', () => {
  const curve = metrics.kaplanMeier(treated);
  const at = (week: number) => curve.times.indexOf(week);

  it('is the textbook curve of the treated arm', () => {
    const steps = [6, 7, 10, 13, 16, 22, 23].map((week) => (curve.survival[at(week)] as number).toFixed(4));
    expect(steps).toEqual(['0.8571', '0.8067', '0.7529', '0.6902', '0.6275', '0.5378', '0.4482']);
    const errors = [6, 10, 23].map((week) => Math.sqrt(curve.variance[at(week)] as number).toFixed(4));
    expect(errors).toEqual(['0.0764', '0.0963', '0.1346']);
    expect([curve.atRisk[at(10)], curve.events[at(10)], curve.censored[at(10)]]).toEqual([15, 1, 1]);
    expect(metrics.medianSurvivalTime(curve)).toBe(23);
  });

  it('bands: log-log within 0 and 1, linear around the curve', () => {
    // R: survfit(Surv(time, status) ~ 1, conf.type = "log-log")
    expect(curve.lower[at(6)]).toBeCloseTo(0.6197, 4);
    expect(curve.upper[at(6)]).toBeCloseTo(0.9516, 4);
    const linear = metrics.kaplanMeier(treated, { scale: 'linear', level: 0.9 });
    const margin = 1.6448536269514722 * Math.sqrt(curve.variance[at(10)] as number);
    expect(linear.upper[at(10)]).toBeCloseTo((curve.survival[at(10)] as number) + margin, 12);
    const placebo = metrics.kaplanMeier({ time: time.slice(21), event: event.slice(21) });
    expect([placebo.survival.at(-1), placebo.lower.at(-1), placebo.upper.at(-1), placebo.variance.at(-1)]).toEqual([
      0, 0, 0, 0,
    ]);
    const nobodyYet = metrics.kaplanMeier({ time: [1, 2, 3], event: [0, 1, 1] });
    expect([nobodyYet.lower[0], nobodyYet.upper[0]]).toEqual([1, 1]);
  });

  it('is a step function with an area', () => {
    expect(metrics.survivalAt(curve, 5.9)).toBe(1);
    expect(metrics.survivalAt(curve, 6)).toBe(curve.survival[0]);
    expect(metrics.survivalAt(curve, 6.5)).toBe(curve.survival[0]);
    const simple = metrics.kaplanMeier({ time: [1, 2, 4], event: [1, 1, 1] });
    expect(metrics.restrictedMeanSurvivalTime(simple, 3)).toBeCloseTo(1 + 2 / 3 + 1 / 3, 12);
    expect(metrics.restrictedMeanSurvivalTime(simple, 9)).toBeCloseTo(7 / 3, 12);
    expect(() => metrics.restrictedMeanSurvivalTime(curve, 36)).toThrow(/nobody is observed after 35/);
    expect(metrics.medianSurvivalTime(metrics.kaplanMeier({ time: [1, 2, 3], event: [1, 0, 0] }))).toBe(Infinity);
    // 5 of 10 in steps whose product misses one half.
    expect(metrics.medianSurvivalTime(metrics.kaplanMeier({ time: tens, event: tens.map(() => 1) }))).toBe(5);
  });

  const tens = Array.from({ length: 10 }, (_, i) => i + 1);

  it('Nelson–Aalen adds the hazards, ties together or in turn', () => {
    const three = { time: [2, 2, 2, 5], event: [1, 1, 0, 1] };
    expect([...metrics.nelsonAalen(three).hazard]).toEqual([0.5, 1.5]);
    expect(metrics.nelsonAalen(three, { ties: 'in-turn' }).hazard[0]).toBeCloseTo(1 / 4 + 1 / 3, 12);
  });
});

describe('log-rank test', () => {
  it('is the textbook value of the trial', () => {
    const { statistic, degrees, p, observed, expected } = metrics.logRankTest({ time, event }, arm);
    expect(statistic).toBeCloseTo(16.793, 3);
    expect(degrees).toBe(1);
    expect(p).toBeCloseTo(4.17e-5, 7);
    expect([...observed]).toEqual([9, 21]);
    expect(expected[0]).toBeCloseTo(19.25, 2);
    const early = metrics.logRankTest({ time, event }, arm, { weights: 'at-risk' });
    expect(early.statistic).toBeCloseTo(13.458, 3);
  });

  it('does not depend on the names of groups, and has groups − 1 degrees of freedom', () => {
    const groups = time.map((_, i) => i % 3);
    const three = metrics.logRankTest({ time, event }, groups);
    const renamed = metrics.logRankTest(
      { time, event },
      groups.map((group) => [7, -2, 0.5][group] as number),
    );
    expect(three.degrees).toBe(2);
    expect(renamed.statistic).toBeCloseTo(three.statistic, 10);
    expect(renamed.groups).toEqual([-2, 0.5, 7]);
  });

  it.each([
    [3.84, 1, 0.0500435212487051],
    [1e-6, 1, 0.9992021155721779],
    [176.7761434486369, 1, 2.451057396341183e-40],
    [900, 3, 8.85169023712558e-195],
    [5.99, 2, 0.05003662708658628],
    [7.8, 3, 0.05033109785985336],
    [12.3, 7, 0.09111488600031303],
    [50, 10, 2.66908342490449e-7],
    [0, 4, 1],
  ])('P(χ² ≥ %d) with %d degrees of freedom', (x, degrees, p) => {
    expect(metrics.chiSquaredP(x, degrees) / p).toBeCloseTo(1, 12);
  });
});

describe('weighted by the inverse probability of censoring', () => {
  const outcome = { time: [1, 2, 3, 4, 5, 6], event: [1, 0, 1, 1, 0, 1] };
  const risk = [5, 1, 6, 2, 3, 1];

  it('weights are 1 over the share not yet censored', () => {
    // Censored at 2 with 5 at risk and at 5 with 2 at risk: G = 1, 4/5, 2/5.
    const weights = metrics.censoringWeights(outcome, outcome);
    [1, 0, 5 / 4, 5 / 4, 0, 5 / 2].forEach((weight, i) => expect(weights[i]).toBeCloseTo(weight, 12));
    // At one time the event comes first and the censored case is still at risk.
    const tied = metrics.censoringWeights({ time: [1, 2, 2, 3], event: [1, 1, 0, 1] }, { time: [2], event: [1] });
    expect(tied[0]).toBeCloseTo(2, 12);
    expect(() => metrics.censoringWeights(outcome, { time: [7], event: [1] })).toThrow(/observed until 6.*needed at 7/);
  });

  it("Uno's C-index weighs pairs, and is Harrell's where nothing is censored", () => {
    const pairs = metrics.unoConcordance(outcome, outcome, risk);
    // Pairs of the events at 1, 3 and 4: right ones 4 of 5, 3 of 3, 1 of 2.
    const w = (5 / 4) ** 2;
    expect(pairs.cIndex).toBeCloseTo((4 + w * 3 + w * 1) / (5 + w * 3 + w * 2), 12);
    expect(pairs).toMatchObject({ concordant: 8, discordant: 2, tiedRisk: 0, tiedTime: 0 });
    expect(metrics.unoCIndex(outcome, outcome, risk, { tau: 3 })).toBeCloseTo(4 / 5, 12);
    const all = { time: outcome.time, event: [1, 1, 1, 1, 1, 1] };
    expect(metrics.unoCIndex(all, all, risk)).toBe(metrics.cIndex(all, risk));
  });

  it('AUC at a time is that of the cases before against those beyond', () => {
    const { auc, mean } = metrics.cumulativeDynamicAuc(outcome, outcome, risk, [1, 3.5]);
    expect(auc[0]).toBeCloseTo(4 / 5, 12);
    expect(auc[1]).toBeCloseTo(1, 12);
    // Kaplan–Meier falls by 1/6, then by 5/6 · 1/4.
    expect(mean).toBeCloseTo((4 / 5 / 6 + 5 / 24) / (1 / 6 + 5 / 24), 12);
    const perTime = risk.flatMap((value) => [value, -value]);
    expect(metrics.cumulativeDynamicAuc(outcome, outcome, perTime, [1, 3.5]).auc[1]).toBeCloseTo(0, 12);
    // Weights are needed for cases only: training that ends at 4 does for times up to there.
    const short = { time: [1, 2, 3, 4], event: [1, 0, 1, 1] };
    expect(metrics.cumulativeDynamicAuc(short, outcome, risk, [1, 3.5]).auc[0]).toBeCloseTo(4 / 5, 12);
  });

  it('Brier scores: 0 for an oracle, ¼ for a coin without censoring', () => {
    const all = { time: outcome.time, event: [1, 1, 1, 1, 1, 1] };
    const times = [1.5, 3.5, 5.5];
    const oracle = all.time.flatMap((death) => times.map((t) => (death > t ? 1 : 0)));
    expect([...metrics.survivalBrierScores(all, all, oracle, times)]).toEqual([0, 0, 0]);
    expect(
      metrics.integratedBrierScore(
        all,
        all,
        oracle.map(() => 0.5),
        times,
      ),
    ).toBeCloseTo(0.25, 12);
    const one = metrics.survivalBrierScores(outcome, outcome, [0, 0, 0, 0.5, 1, 1], [3.5]);
    expect(one[0]).toBeCloseTo((0.25 * 5) / 4 / 6, 12);
  });

  it('curves and risks of discrete hazards', () => {
    const logits = [0, 0, -800, 800];
    expect([...metrics.survivalCurves(logits, 2)]).toEqual([0.5, 0.25, 1, 0]);
    expect([...metrics.survivalRisks(logits, 2)]).toEqual([-0.75, -1]);
  });
});

const shared = join(import.meta.dirname, '../../../../shared/data');
const readTable = (path: string) => {
  const [head, ...rows] = readFileSync(join(shared, path), 'utf8').trim().split('\n');
  const cells = rows.map((row) => row.split(','));
  return (name: string) => cells.map((row) => Number(row[(head as string).split(',').indexOf(name)]));
};

describe.runIf(existsSync(join(shared, 'survival-tables')))(
  'published tables, by scikit-survival and lifelines',
  () => {
    it.each(['rossi', 'whas500'])('%s', (name) => {
      const oracle = JSON.parse(readFileSync(join(shared, 'survival-tables/oracle.json'), 'utf8')).sets[name];
      const column = readTable(`survival-tables/${name}.csv`);
      const outcome = { time: column('time'), event: column('event') };
      const covariates = (oracle.columns as string[]).map(column);
      const coefficients = oracle.cox_efron.coef as number[];
      const risk = outcome.time.map((_, i) =>
        coefficients.reduce((sum, value, a) => sum + value * (covariates[a]?.[i] as number), 0),
      );
      const same = (got: metrics.Concordance, want: Record<string, number>) => {
        expect(got.cIndex).toBeCloseTo(want.cindex as number, 12);
        expect([got.concordant, got.discordant, got.tiedRisk, got.tiedTime]).toEqual([
          want.concordant,
          want.discordant,
          want.tied_risk,
          want.tied_time,
        ]);
      };
      same(metrics.concordance(outcome, risk), oracle.harrell_of_efron_risk);
      same(metrics.concordance(outcome, covariates[0] as number[]), oracle.harrell_first_covariate_rounded);
      const uno = metrics.unoCIndex(outcome, outcome, risk, { tau: oracle.uno_ipcw.tau });
      expect(uno).toBeCloseTo(oracle.uno_ipcw.cindex, 9);
      const curve = metrics.kaplanMeier(outcome);
      (oracle.kaplan_meier.time as number[]).forEach((time, i) =>
        expect(metrics.survivalAt(curve, time)).toBeCloseTo(oracle.kaplan_meier.surv[i], 12),
      );
      const median = metrics.quantile(risk, 0.5);
      const test = metrics.logRankTest(outcome, metrics.decideStrictly(risk, median));
      expect(test.statistic).toBeCloseTo(oracle.logrank_median_split_of_efron_risk.chi2, 8);
      expect(test.p / oracle.logrank_median_split_of_efron_risk.p).toBeCloseTo(1, 8);
    });
  },
);

const published = join(shared, 'tcga-published-risks');

describe.runIf(existsSync(published))('risks of published slide models', () => {
  const models = ['amil_wsi_blca', 'deepattnmisl_wsi_blca', 'mcat_wsi_gene_blca', 'snn_gene_blca'];

  it.each(models)('%s: the C-index that its authors saved, fold by fold', (model) => {
    const want = JSON.parse(readFileSync(join(published, 'cindex.json'), 'utf8'))[model].published_val_cindex;
    const column = readTable(`tcga-published-risks/${model}.csv`);
    const [folds, censored] = [column('fold'), column('censorship')];
    (want as number[]).forEach((value, fold) => {
      const rows = folds.flatMap((of, row) => (of === fold ? [row] : []));
      const outcome = {
        time: metrics.take(column('survival_months'), rows),
        event: metrics.take(censored, rows).map((flag) => 1 - flag),
      };
      expect(metrics.cIndex(outcome, metrics.take(column('risk'), rows))).toBeCloseTo(value, 12);
    });
  });

  // By lifelines 0.30: χ² and p of the groups above and below their fold's median risk; of each group S(24), S(60), median months.
  it.each([
    [
      'amil_wsi_blca',
      0.22465711079471123,
      0.6355141163986338,
      [0.553621, 0.409032, 31.18],
      [0.582874, 0.376069, 34.95],
    ],
    [
      'deepattnmisl_wsi_blca',
      2.571898772984327,
      0.10877709619393415,
      [0.618119, 0.450733, 46.75],
      [0.515994, 0.342068, 24.28],
    ],
    [
      'mcat_wsi_gene_blca',
      11.488313450437252,
      0.0007003515921227937,
      [0.470203, 0.36046, 21.39],
      [0.671093, 0.43842, 44.91],
    ],
    ['snn_gene_blca', 3.731699956880298, 0.05338903111521861, [0.527091, 0.373576, 28.38], [0.607875, 0.422843, 34.03]],
  ])('%s: Kaplan–Meier curves and log-rank test of the halves by risk', (model, statistic, p, high, low) => {
    const column = readTable(`tcga-published-risks/${model}.csv`);
    const [folds, risk, time] = [column('fold'), column('risk'), column('survival_months')];
    const event = column('censorship').map((flag) => 1 - flag);
    const medians = [0, 1, 2, 3, 4].map((fold) =>
      metrics.quantile(
        risk.filter((_, row) => folds[row] === fold),
        0.5,
      ),
    );
    const groups = risk.map((value, row) => (value > (medians[folds[row] as number] as number) ? 1 : 0));
    const test = metrics.logRankTest({ time, event }, groups);
    expect(test.statistic).toBeCloseTo(statistic, 9);
    expect(test.p / p).toBeCloseTo(1, 9);
    for (const [group, [atTwo, atFive, median]] of [
      [1, high],
      [0, low],
    ] as const) {
      const rows = groups.flatMap((of, row) => (of === group ? [row] : []));
      const curve = metrics.kaplanMeier({ time: metrics.take(time, rows), event: metrics.take(event, rows) });
      expect(metrics.survivalAt(curve, 24)).toBeCloseTo(atTwo as number, 5);
      expect(metrics.survivalAt(curve, 60)).toBeCloseTo(atFive as number, 5);
      expect(metrics.medianSurvivalTime(curve)).toBe(median);
    }
  });
});
