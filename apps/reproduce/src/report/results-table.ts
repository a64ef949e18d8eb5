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
  const folds = results.folds.length;
  const rows = resultRows(results).map(({ model, protocol, figures }) => [
    model,
    protocol,
    show(figures.accuracy, folds),
    show(figures.f1, folds),
    show(figures.auc, folds),
    show(figures.last?.auc, folds),
    ...(results.summary.instanceAuc || results.summary.honest?.instanceAuc ? [show(figures.instanceAuc, folds)] : []),
  ]);
  const instance = (rows[0]?.length ?? 0) > 6 ? ['instance AUC'] : [];
  const header = ['model', 'protocol', 'accuracy', 'F1', 'AUC', 'AUC, last epoch', ...instance];
  const title = `${results.data}${results.simulated ? ' (SIMULATED)' : ''}, ${foldsOf(results)}, per cent`;
  const unfinished = results.complete ? '' : '\n(folds that were not run are left out)';
  return `\n${title}\n\n${aligned([header, ...rows])}${unfinished}\n`;
}

function foldsOf({ folds }: Results): string {
  return folds.length === 1 ? 'one fold' : `${folds.length} folds, mean ± std`;
}

function show(spread: Spread | undefined, folds: number): string {
  if (spread === undefined) return '–';
  const mean = (100 * spread.mean).toFixed(1);
  return folds === 1 ? mean : `${mean} ± ${(100 * spread.std).toFixed(1)}`;
}
