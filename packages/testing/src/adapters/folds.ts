import { holdOutValidation, splitByFold, stratifiedKFold } from '@mhim/datasets';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';

/** Cross-validation: rows in an order that is given, dealt out without shuffling. */
export const foldAdapters: Adapters = {
  'metric.kfold': kfold,
};

function kfold(fixture: ConformanceCase): Outputs {
  const labels = fixture.data('input.y');
  const folds = Number(fixture.config.k);
  const ratio = Number(fixture.config.val_ratio);
  const classes = fixture.shape('out.fold_class')[1] as number;
  const count = (rows: readonly number[]) =>
    Array.from({ length: classes }, (_, label) => rows.filter((row) => labels[row] === label).length);

  const assignment = stratifiedKFold(labels, { folds });
  const parts = Array.from({ length: folds }, (_, fold) => splitByFold(assignment, fold));
  const validation = parts.map(({ train }) => holdOutValidation(labels, train, ratio));
  return {
    'out.test_fold': assignment,
    'out.fold_sizes': parts.map(({ test }) => test.length),
    'out.fold_class': parts.flatMap(({ test }) => count(test)),
    'out.val_counts': validation.flatMap((part) => count(part.validation)),
    'out.train_class': validation.flatMap((part) => count(part.train)),
  };
}
