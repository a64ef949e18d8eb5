import type { Results, Spread, SummaryOf } from '../run/results.js';
import { aligned } from '../text-table.js';
import { stageName } from './model-names.js';

/** The rows of a run: model by protocol, from the baseline to the model itself. */
export function resultRows({
  model,
  figures,
  summary,
}: Results): { model: string; protocol: string; figures: SummaryOf }[] {
  const { honest } = summary;
  const name = stageName(model);
  const rows = (protocol: string, figuresOf: SummaryOf) => [
    ...(figuresOf.baseline ? [{ model: stageName('baseline'), protocol, figures: figuresOf.baseline }] : []),
    { model: name, protocol, figures: figuresOf },
  ];
  return [...(figures === 'paper' ? rows('paper', summary) : []), ...(honest ? rows('honest', honest) : [])];
}

/** Mean ± population std over folds, in per cent, as the paper's tables. */
export function resultsTable(results: Results): string {
  const rows = resultRows(results).map(({ model, protocol, figures }) => [
    model,
    protocol,
    show(figures.accuracy),
    show(figures.f1),
    show(figures.auc),
    show(figures.last?.auc),
    ...(results.summary.instanceAuc || results.summary.honest?.instanceAuc ? [show(figures.instanceAuc)] : []),
  ]);
  const instance = (rows[0]?.length ?? 0) > 6 ? ['instance AUC'] : [];
  const header = ['model', 'protocol', 'accuracy', 'F1', 'AUC', 'AUC, last epoch', ...instance];
  const title = `${results.data}${results.simulated ? ' (SIMULATED)' : ''}, ${results.folds.length} folds, mean ± std, per cent`;
  const unfinished = results.complete ? '' : '\n(not all folds are done)';
  return `\n${title}\n\n${aligned([header, ...rows])}${unfinished}\n`;
}

export function show(spread: Spread | undefined): string {
  return spread === undefined ? '–' : `${(100 * spread.mean).toFixed(1)} ± ${(100 * spread.std).toFixed(1)}`;
}
