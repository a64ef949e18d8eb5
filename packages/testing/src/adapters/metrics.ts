import {
  accuracy,
  argMax,
  averagePrecision,
  balancedAccuracy,
  binaryCounts,
  bootstrap,
  brierScore,
  classRocAucs,
  classScores,
  cohenKappa,
  confusionMatrix,
  decide,
  delongCovariance,
  delongInterval,
  delongTest,
  dtfdScores,
  expectedCalibrationError,
  f1Score,
  logLoss,
  macroAveragePrecision,
  matthewsCorrelation,
  maximumCalibrationError,
  mcnemarTest,
  mhimBinaryScores,
  mhimScores,
  multiclassBrierScore,
  multiclassLogLoss,
  multiclassRocAuc,
  precision,
  precisionRecallCurve,
  recall,
  rocAuc,
  rocCurve,
  softmax,
  specificity,
  take,
  thresholdedScores,
  topKAccuracy,
  topLabel,
  trapezoidArea,
  wilsonInterval,
  youdenThreshold,
  column,
  type Average,
  type BootstrapResult,
  type LoggedScores,
  type ThresholdedScores,
} from '@mhim/metrics';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';

/** Metrics from labels and scores; the fixtures' 0/0 is scikit-learn's 0. */
export const metricAdapters: Adapters = {
  'metric.binary': binary,
  'metric.multi': multiclass,
  'metric.ci': intervals,
};

const zeroDivision = 0;

function binary(fixture: ConformanceCase): Outputs {
  const labels = fixture.data('input.y');
  const scores = fixture.data('input.score');
  const roc = rocCurve(labels, scores);
  const full = rocCurve(labels, scores, { dropIntermediate: false });
  const youden = youdenThreshold(labels, scores);
  const dtfd = dtfdScores(labels, scores);
  const decisions = decide(scores, 0.5);
  const counts = binaryCounts(labels, decisions);
  const pr = precisionRecallCurve(labels, scores);
  const twoColumns = Float64Array.from({ length: 2 * scores.length }, (_, i) => {
    const score = scores[i >> 1] as number;
    return i % 2 === 1 ? score : 1 - score;
  });
  const top = topLabel(labels, twoColumns, 2);
  return {
    'out.auc': rocAuc(labels, scores),
    'out.roc_fpr': roc.fpr,
    'out.roc_tpr': roc.tpr,
    'out.roc_thr': roc.thresholds,
    'out.roc_full': rows(full.fpr, full.tpr, full.thresholds),
    'out.youden': [youden.threshold, youden.fpr, youden.tpr],
    'out.five': five(thresholdedScores(labels, scores)),
    'out.five_macro': five(thresholdedScores(labels, scores, { average: 'macro' })),
    'out.dtfd': [dtfd.accuracy, dtfd.precision, dtfd.recall, dtfd.specificity, dtfd.f1, dtfd.auc],
    'out.at05': [
      accuracy(labels, decisions),
      precision(labels, decisions, { zeroDivision }),
      recall(labels, decisions, { zeroDivision }),
      specificity(labels, decisions, { zeroDivision }),
      f1Score(labels, decisions, { zeroDivision }),
      balancedAccuracy(labels, decisions),
      matthewsCorrelation(labels, decisions, { zeroDivision }),
      cohenKappa(labels, decisions),
    ],
    'out.confusion05': [counts.trueNegatives, counts.falsePositives, counts.falseNegatives, counts.truePositives],
    'out.ap': averagePrecision(labels, scores),
    'out.pr_auc_trapz': trapezoidArea(pr.recall, pr.precision),
    'out.pr': rows(pr.precision, pr.recall),
    'out.pr_thr': pr.thresholds,
    'out.ece': [10, 15].map((bins) => expectedCalibrationError(scores, labels, { bins })),
    'out.mce': maximumCalibrationError(scores, labels, { bins: 15 }),
    'out.ece_toplabel': expectedCalibrationError(top.confidences, top.correct, { bins: 15 }),
    'out.brier': brierScore(labels, scores),
    'out.logloss': logLoss(labels, scores),
  };
}

function multiclass(fixture: ConformanceCase): Outputs {
  const labels = fixture.data('input.y');
  const logits = fixture.data('input.logits');
  const classes = fixture.shape('input.logits')[1] as number;
  const probabilities = softmax(logits, classes);
  const predictions = argMax(logits, classes);
  const perClass = classScores(labels, predictions, { classes, zeroDivision });
  const f1 = (average: Average) => f1Score(labels, predictions, { average, classes, zeroDivision });
  const auc = (options: Partial<Parameters<typeof multiclassRocAuc>[2]>) =>
    multiclassRocAuc(labels, probabilities, { classes, ...options });
  const top = topLabel(labels, probabilities, classes);
  const outputs: Outputs = {
    'out.official': logged(mhimScores(labels, logits, classes)),
    'out.probs': probabilities,
    'out.pred': predictions,
    'out.acc': accuracy(labels, predictions),
    'out.bacc': balancedAccuracy(labels, predictions, { absentClasses: 'skip' }),
    'out.f1': [f1('macro'), f1('weighted'), f1('micro')],
    'out.f1_class': perClass.f1,
    'out.precision_class': perClass.precision,
    'out.recall_class': perClass.recall,
    'out.kappa': (['none', 'linear', 'quadratic'] as const).map((weights) =>
      cohenKappa(labels, predictions, { weights, classes }),
    ),
    'out.confusion': confusionMatrix(labels, predictions, { classes }).counts,
    'out.mcc': matthewsCorrelation(labels, predictions, { zeroDivision }),
    'out.ece': [10, 15].map((bins) => expectedCalibrationError(top.confidences, top.correct, { bins })),
    'out.brier': multiclassBrierScore(labels, probabilities, classes),
    'out.auc_class': classRocAucs(labels, probabilities, classes),
    'out.auc_macro': auc({}),
    'out.auc_weighted': auc({ average: 'weighted' }),
    'out.auc_micro': auc({ average: 'micro' }),
    'out.auc_ovo': auc({ strategy: 'one-vs-one' }),
    'out.logloss': multiclassLogLoss(labels, probabilities, classes),
    'out.ap_macro': macroAveragePrecision(labels, probabilities, classes),
    'out.top2': topKAccuracy(labels, probabilities, { classes, k: 2 }),
  };
  if (classes === 2) outputs['out.official_bin'] = logged(mhimBinaryScores(labels, column(logits, 2, 1)));
  return outputs;
}

function intervals(fixture: ConformanceCase): Outputs {
  const labels = fixture.data('input.y');
  const [a, b] = [fixture.data('input.score_a'), fixture.data('input.score_b')];
  const resamples = fixture.data('input.resample');
  const [right, other] = [decide(a, 0.5), decide(b, 0.5)];
  const auc = bootstrap(labels.length, (rows) => rocAuc(take(labels, rows), take(a, rows)), { resamples });
  const acc = bootstrap(labels.length, (rows) => accuracy(take(labels, rows), take(right, rows)), { resamples });
  const linear = delongInterval(labels, a);
  const logit = delongInterval(labels, a, { scale: 'logit' });
  const test = delongTest(labels, a, b);
  const mcnemar = mcnemarTest(labels, right, other);
  const wilson = wilsonInterval(Math.round(accuracy(labels, right) * labels.length), labels.length);
  return {
    'out.auc': [rocAuc(labels, a), rocAuc(labels, b)],
    'out.boot_auc': auc.estimates,
    'out.boot': summary(auc),
    'out.boot_acc': summary(acc),
    'out.delong_var': [delongCovariance(labels, a), delongCovariance(labels, b), delongCovariance(labels, a, b)],
    'out.delong_ci': [linear.lower, linear.upper],
    'out.delong_logit_ci': [logit.lower, logit.upper],
    'out.delong_test': [test.z, test.p],
    'out.mcnemar': [mcnemar.onlyA, mcnemar.onlyB, mcnemar.p],
    'out.wilson': [wilson.lower, wilson.upper],
  };
}

function five({ accuracy, auc, precision, recall, f1 }: ThresholdedScores): number[] {
  return [accuracy, auc, precision, recall, f1];
}

function logged({ macroAccuracy, auc, precision, recall, f1, kappa, accuracy }: LoggedScores): number[] {
  return [macroAccuracy, auc, precision, recall, f1, kappa, accuracy];
}

function summary({ mean, std, lower, upper }: BootstrapResult): number[] {
  return [mean, std, lower, upper];
}

/** Columns side by side, row by row. */
function rows(...columns: Float64Array[]): number[] {
  return Array.from(columns[0] ?? []).flatMap((_, row) => columns.map((values) => values[row] as number));
}
