import * as tf from '@tensorflow/tfjs';
import {
  censoringWeights,
  cIndex,
  concordance,
  cumulativeDynamicAuc,
  integratedBrierScore,
  kaplanMeier,
  logRankTest,
  medianSurvivalTime,
  nelsonAalen,
  restrictedMeanSurvivalTime,
  survivalAt,
  survivalBrierScores,
  survivalCurves,
  survivalRisks,
  take,
  tryMetric,
  unoCIndex,
  unoConcordance,
  type Concordance,
  type SurvivalOutcome,
} from '@mhim/metrics';
import {
  coxPartialLikelihood,
  coxRegression,
  discreteCrossEntropy,
  discreteNll,
  fitTimeBins,
  hazards,
  risk,
  survival,
  timeBinOf,
} from '@mhim/survival-losses';
import { MhimError } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf } from './fixture-tensors.js';

/** Survival losses and metrics. */
export const survivalAdapters: Adapters = {
  'surv.nll': likelihood,
  'surv.cox': cox,
  'surv.discretise': discretise,
  'surv.cindex': concordances,
  'surv.km': curves,
  'surv.tdauc': timeDependent,
  'surv.bundle': bundle,
};

function likelihood(fixture: ConformanceCase): Outputs {
  const censored = fixture.data('aux.c');
  const outcomes = Array.from(fixture.data('label'), (bin, row) => ({ bin, censored: censored[row] === 1 }));
  const { alpha, eps } = fixture.constructorArgs as { alpha: number; eps: number };
  return tf.tidy(() => {
    const logits = bagOf(fixture);
    const nll = tf.valueAndGrad((x) => discreteNll(x as tf.Tensor2D, outcomes, { alpha, eps }))(logits);
    const entropy = tf.valueAndGrad((x) => discreteCrossEntropy(x as tf.Tensor2D, outcomes, { alpha, eps }))(logits);
    const loss = nll.value.dataSync()[0] as number;
    return {
      'out.hazards': hazards(logits).dataSync(),
      'out.S': survival(logits).dataSync(),
      'out.risk': risk(logits).dataSync(),
      'out.loss': loss,
      'out.rows': tf
        .split(logits, outcomes.length)
        .map((row, i) => discreteNll(row as tf.Tensor2D, outcomes[i] ?? [], { alpha, eps }).dataSync()[0] as number),
      'out.loss_mcat': loss,
      'out.loss_sum': loss * outcomes.length,
      'out.loss_ce': entropy.value.dataSync(),
      'grad.input': nll.grad.dataSync(),
      'grad_ce.input': entropy.grad.dataSync(),
    };
  });
}

function cox(fixture: ConformanceCase): Outputs {
  const [theta, time, event] = [fixture.data('input.theta'), fixture.data('input.time'), fixture.data('input.event')];
  const of = (ties: 'breslow' | 'efron') => ({
    ...coxPartialLikelihood(theta, time, event, { ties }),
    fit: coxRegression(fixture.data('input.X'), time, event, { ties }),
  });
  const [breslow, efron] = [of('breslow'), of('efron')];
  return {
    'out.breslow_sum': breslow.loss,
    'grad.breslow_sum': breslow.gradient,
    'out.breslow_mean_n': breslow.loss / theta.length,
    'out.breslow_mean_events': breslow.loss / breslow.events,
    'out.efron_sum': efron.loss,
    'grad.efron_sum': efron.gradient,
    'out.efron_mean_n': efron.loss / theta.length,
    'out.coef_breslow': breslow.fit.coefficients,
    'out.coef_efron': efron.fit.coefficients,
    'out.coef_efron_se': efron.fit.standardErrors,
    'out.loglik_efron': efron.fit.logLikelihood,
  };
}

/** Four bins; where the official code raises, ours has to refuse. */
function discretise(fixture: ConformanceCase): Outputs {
  const time = fixture.data('input.time');
  let edges: number[];
  try {
    edges = fitTimeBins(time, fixture.data('input.event'), 4);
  } catch (error) {
    if (error instanceof MhimError && error.code === 'data' && fixture.values.raises !== undefined) return {};
    throw error;
  }
  if (fixture.values.raises !== undefined) throw new Error(`expected a refusal: ${String(fixture.values.raises)}`);
  return { 'out.bins': edges, 'out.label': Array.from(time, (value) => timeBinOf(edges, value)) };
}

function concordances(fixture: ConformanceCase): Outputs {
  const [training, outcome] = [outcomeOf(fixture, 'train_'), outcomeOf(fixture)];
  const scores = fixture.data('input.risk');
  const harrell = concordance(outcome, scores);
  const uno = unoConcordance(training, outcome, scores);
  return {
    'out.cindex': harrell.cIndex,
    'out.counts': counts(harrell),
    'out.lifelines': harrell.cIndex,
    'out.ipcw': uno.cIndex,
    'out.ipcw_tau': unoCIndex(training, outcome, scores, { tau: Number(fixture.config.tau) }),
    'out.ipcw_counts': counts(uno),
  };
}

/** lifelines' tables begin with time 0. */
function curves(fixture: ConformanceCase): Outputs {
  const outcome = outcomeOf(fixture);
  const groups = fixture.data('input.group');
  const curve = kaplanMeier(outcome);
  const n = outcome.time.length;
  const names = [...new Set(Array.from(groups))].sort((a, b) => a - b);
  const within = (chosen: number[]) => {
    const rows = Array.from({ length: n }, (_, row) => row).filter((row) => chosen.includes(groups[row] as number));
    return { ...rowsOf(outcome, rows), groups: take(groups, rows) };
  };
  const test = (chosen: number[], weights?: 'equal' | 'at-risk') => {
    const some = within(chosen);
    return logRankTest(some, some.groups, { weights });
  };
  const values = ({ statistic, p }: ReturnType<typeof logRankTest>) => [statistic, p];
  const outputs: Outputs = {
    'out.times': [0, ...curve.times],
    'out.survival': [1, ...curve.survival],
    'out.at_risk': [n, ...curve.atRisk],
    'out.observed': [0, ...curve.events],
    'out.censored': [0, ...curve.censored],
    'out.ci': [1, 1, ...Array.from(curve.lower).flatMap((lower, i) => [lower, curve.upper[i] as number])],
    'out.median': medianSurvivalTime(curve),
    'out.nelson_aalen': [0, ...nelsonAalen(outcome, { ties: 'in-turn' }).hazard],
    'out.na_sksurv': nelsonAalen(outcome).hazard,
    'out.rmst': restrictedMeanSurvivalTime(curve, Number(fixture.config.rmst_t)),
    'out.logrank': values(test([0, 1])),
    'out.wilcoxon': values(test([0, 1], 'at-risk')),
    'out.logrank_k': values(test(names)),
    'out.pairwise_p': names.flatMap((a, i) => names.slice(i + 1).map((b) => test([a, b]).p)),
  };
  for (const name of names) {
    const own = kaplanMeier(within([name]));
    outputs[`out.group${name}.times`] = [0, ...own.times];
    outputs[`out.group${name}.survival`] = [1, ...own.survival];
  }
  return outputs;
}

function timeDependent(fixture: ConformanceCase): Outputs {
  const [training, outcome] = [outcomeOf(fixture, 'train_'), outcomeOf(fixture)];
  const times = fixture.data('input.times');
  const plain = cumulativeDynamicAuc(training, outcome, fixture.data('input.risk'), times);
  const changing = cumulativeDynamicAuc(training, outcome, fixture.data('input.risk_t'), times);
  const predicted = fixture.data('input.surv_t');
  const reference = kaplanMeier(training);
  const everybody = Array.from(outcome.time).flatMap(() => Array.from(times, (time) => survivalAt(reference, time)));
  return {
    'out.auc': plain.auc,
    'out.mean_auc': plain.mean,
    'out.auc_t': changing.auc,
    'out.mean_auc_t': changing.mean,
    'out.brier': survivalBrierScores(training, outcome, predicted, times),
    'out.ibs': integratedBrierScore(training, outcome, predicted, times),
    'out.cens_ipcw': censoringWeights(training, outcome),
    'out.brier_km': survivalBrierScores(training, outcome, everybody, times),
  };
}

/** SurvPath's evaluation, which reports 0 where scikit-survival refuses. */
function bundle(fixture: ConformanceCase): Outputs {
  const [training, outcome] = [outcomeOf(fixture, 'train_'), outcomeOf(fixture)];
  const logits = fixture.data('input.logits');
  const bins = fixture.shape('input.logits')[1] as number;
  const edges = fixture.data('input.bins');
  const risks = survivalRisks(logits, bins);
  const alive = survivalCurves(logits, bins);
  const all = Array.from(outcome.time);
  const times = [Math.min(...all) + 1e-4, edges[1] as number, edges[2] as number, Math.max(...all) - 1e-4];
  const died = Array.from(alive, (value) => 1 - value).filter((_, i) => i % bins > 0);
  const orZero = (compute: () => number) => tryMetric(compute).value ?? 0;
  const weighted = (compute: () => number) => orZero(() => censoringWeights(training, outcome) && compute());
  const reached = (compute: () => number) => (reaches(training, outcome) ? orZero(compute) : 0);
  return {
    'out.risk': risks,
    'out.surv': alive,
    'out.eval_times': times,
    'out.cindex': cIndex(outcome, risks),
    'out.ipcw': weighted(() => unoCIndex(training, outcome, risks)),
    'out.brier': times.map((_, at) =>
      reached(() => survivalBrierScores(training, outcome, alive, times)[at] as number),
    ),
    'out.ibs': reached(() => integratedBrierScore(training, outcome, alive, times)),
    'out.iauc': weighted(() => cumulativeDynamicAuc(training, outcome, died, times.slice(1)).mean),
  };
}

/**
 * For a Brier score scikit-survival wants the censoring distribution at every case's time, ours only where a weight is needed: it
 * refuses cases observed longer than the training cases, unless the distribution ends at 0.
 */
function reaches(training: SurvivalOutcome, outcome: SurvivalOutcome): boolean {
  const last = Math.max(...Array.from(training.time));
  const atEnd = Array.from(training.event).filter((_, i) => training.time[i] === last);
  return Math.max(...Array.from(outcome.time)) <= last || atEnd.includes(0);
}

function outcomeOf(fixture: ConformanceCase, prefix = ''): SurvivalOutcome {
  return { time: fixture.data(`input.${prefix}time`), event: fixture.data(`input.${prefix}event`) };
}

function rowsOf({ time, event }: SurvivalOutcome, rows: number[]): SurvivalOutcome {
  return { time: take(time, rows), event: take(event, rows) };
}

function counts({ concordant, discordant, tiedRisk, tiedTime }: Concordance): number[] {
  return [concordant, discordant, tiedRisk, tiedTime];
}
