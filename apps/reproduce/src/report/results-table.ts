import type { Results, Spread, SummaryOf } from '../run/results.js';
import { aligned } from '../text-table.js';
import { modelName, stageName } from './model-names.js';

/** The rows of a run: model by protocol, from the baseline to the model itself. */
export function resultRows(results: Results): { model: string; protocol: string; figures: SummaryOf }[] {
  const { figures, summary } = results;
  const { honest } = summary;
  const name = modelName(results);
  const rows = (protocol: string, figuresOf: SummaryOf) => [
    ...(figuresOf.baseline ? [{ model: stageName('baseline', results), protocol, figures: figuresOf.baseline }] : []),
    { model: name, protocol, figures: figuresOf },
  ];
  return [...(figures === 'paper' ? rows('paper', summary) : []), ...(honest ? rows('honest', honest) : [])];
}

/** Mean ± population std over folds, in per cent, as the paper's tables. */
export function resultsTable(results: Results): string {
  const folds = results.folds.length;
  const columns = columnsOf(results);
  const rows = resultRows(results).map(({ model, protocol, figures }) => [
    model,
    protocol,
    ...columns.map(([, of]) => show(of(figures), folds)),
  ]);
  const header = ['model', 'protocol', ...columns.map(([name]) => name)];
  const title = `${results.data}${results.simulated ? ' (SIMULATED)' : ''}, ${foldsOf(results)}, per cent`;
  const unfinished = results.complete ? '' : '\n(folds that were not run are left out)';
  return `\n${title}\n\n${aligned([header, ...rows])}${unfinished}\n`;
}

/** Survival has one figure; instance scores are judged only where the data say which instances matter. */
function columnsOf({ summary, definitions }: Results): [string, (figures: SummaryOf) => Spread | undefined][] {
  if (definitions.cIndex !== undefined) {
    return [
      ['C-index', ({ cIndex }) => cIndex],
      ['C-index, last epoch', ({ last }) => last?.cIndex],
    ];
  }
  return [
    ['accuracy', ({ accuracy }) => accuracy],
    ['F1', ({ f1 }) => f1],
    ['AUC', ({ auc }) => auc],
    ['AUC, last epoch', ({ last }) => last?.auc],
    ...(summary.instanceAuc || summary.honest?.instanceAuc
      ? [['instance AUC', ({ instanceAuc }) => instanceAuc] as ReturnType<typeof columnsOf>[number]]
      : []),
  ];
}

function foldsOf({ folds }: Results): string {
  return folds.length === 1 ? 'one fold' : `${folds.length} folds, mean ± std`;
}

function show(spread: Spread | undefined, folds: number): string {
  if (spread === undefined) return '–';
  const mean = (100 * spread.mean).toFixed(1);
  return folds === 1 ? mean : `${mean} ± ${(100 * spread.std).toFixed(1)}`;
}
