import { stringify } from 'csv-stringify/sync';
import { unitOf, type ExperimentResult } from './experiment-result.js';

/** One line a cell. */
export function resultCsv({ id, simulated, columns, rows, protocol }: ExperimentResult): string {
  const header = [
    ...['experiment', 'group', 'row', 'x', 'column', 'metric', 'unit', 'simulated', 'protocol'],
    ...['ours_mean', 'ours_std', 'ours_values', 'honest_mean', 'honest_std'],
    ...['paper', 'paper_mean', 'paper_std', 'difference', 'difference_lower', 'difference_upper', 'jobs'],
  ];
  const lines = rows.flatMap(({ group, label, x, cells }) =>
    cells.flatMap((cell, i) => {
      const column = columns[i] as ExperimentResult['columns'][number];
      if (!cell) return [];
      const { ours, honest, paper, difference, jobs } = cell;
      return [
        [
          ...[
            id,
            group,
            label,
            x,
            column.header.join(' / '),
            column.metric,
            unitOf(column.metric),
            simulated,
            protocol,
          ],
          ...[ours?.mean, ours?.std, ours?.values.map((value) => value ?? '').join(' '), honest?.mean, honest?.std],
          ...[paper?.text, paper?.mean, paper?.std],
          ...[difference?.value, difference?.interval?.lower, difference?.interval?.upper, jobs.join(' ')],
        ].map((value) => (typeof value === 'boolean' ? Number(value) : (value ?? ''))),
      ];
    }),
  );
  return stringify([header, ...lines]);
}
