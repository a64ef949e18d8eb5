import { aligned } from '../../text-table.js';
import { unitOf, type CellResult, type ExperimentResult, type Ours } from './experiment-result.js';

/** Columns up to which the differences stand beside the numbers; wider tables have them in their files. */
const WITH_DIFFERENCES = 4;

/** A result as text: ours, the paper's in brackets and, where there is room, the difference with its interval. */
export function consoleTable(result: ExperimentResult): string {
  const shown = result.columns.map((_, i) => i).filter((i) => result.rows.some(({ cells }) => cells[i]));
  const rows = result.rows.filter(({ cells }) => cells.some((cell) => cell !== null));
  const differences = result.comparable && shown.length <= WITH_DIFFERENCES;
  const header = shown.flatMap((i) => {
    const { header: heading, metric } = result.columns[i] as ExperimentResult['columns'][number];
    const printed = result.kind === 'table' ? ' (paper)' : '';
    return [`${heading.join(' ')} ${unitOf(metric)}${printed}`, ...(differences ? ['ours − paper'] : [])];
  });
  const lines = rows.map(({ group, label, cells }) => [
    group === undefined ? label : `${group} ${label}`,
    ...shown.flatMap((i) => cellTexts(cells[i] ?? null, differences)),
  ]);
  return `\n${titleOf(result)}\n\n${aligned([['', ...header], ...lines])}\n\n${notesOf(result)}`;
}

export function titleOf({ id, title, simulated, reduced }: ExperimentResult): string {
  const name = id.charAt(0).toUpperCase() + id.slice(1).replace('-', ' ');
  const marks = [...(simulated ? ['SIMULATED'] : []), ...(reduced ? ['small models'] : [])];
  return `${name}: ${title}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`;
}

function cellTexts(cell: CellResult | null, differences: boolean): string[] {
  const { ours, honest, paper, difference } = cell ?? {};
  const text = [cell && (ours ? spread(ours) : '–'), honest && `/ ${spread(honest)}`, paper && `(${paper.text})`]
    .filter(Boolean)
    .join(' ');
  return [text, ...(differences ? [difference ? differenceText(difference) : ''] : [])];
}

export function spread({ mean, std }: Ours): string {
  const digits = mean < 10 ? 2 : 1;
  return std === undefined ? mean.toFixed(digits) : `${mean.toFixed(digits)}±${std.toFixed(digits)}`;
}

export function differenceText({ value, interval }: NonNullable<CellResult['difference']>): string {
  const signed = (number: number) => `${number < 0 ? '−' : '+'}${Math.abs(number).toFixed(1)}`;
  return interval ? `${signed(value)} [${signed(interval.lower)}, ${signed(interval.upper)}]` : signed(value);
}

function notesOf({ protocol, comparable, notes, missing, data, simulated, rows }: ExperimentResult): string {
  const honest = rows.some(({ cells }) => cells.some((cell) => cell?.honest));
  const lines = [
    protocol === 'paper'
      ? 'Ours: mean ± standard deviation over folds; epoch and threshold chosen on the test fold, as in the paper, which flatters.'
      : 'Ours: mean ± standard deviation over folds; epoch and threshold chosen on a part of the training fold.',
    ...(honest ? ['After the slash: epoch and threshold chosen on a part of the training fold.'] : []),
    ...(comparable ? ['Differences with their 95 % interval (Welch over folds) are in the files.'] : []),
    ...(simulated
      ? ['The slides are made up: the numbers say nothing about the methods.']
      : data.length > 0
        ? [`Data: ${data.join(', ')}.`]
        : []),
    ...notes,
    ...(missing.length > 0 ? [`${missing.length} jobs are not done, e.g. ${missing[0]?.name}.`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
