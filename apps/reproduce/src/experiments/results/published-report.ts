import type { FoldValues, PublishedTable, Sweep } from '@mhim/figures';
import { unitOf, type CellResult, type ExperimentResult, type Ours } from './experiment-result.js';
import { titleOf } from './console-table.js';

/** A table of the paper with our numbers beside its own: a part a group of rows and outermost heading, so that it fits a page. */
export function publishedTables(result: ExperimentResult): PublishedTable[] {
  const { id, columns, rows, comparable } = result;
  const [number] = titleOf(result).split(':') as [string];
  const groups = [...new Set(rows.map(({ group }) => group))];
  const isCost = ({ metric }: (typeof columns)[number]) => unitOf(metric) !== '%';
  const mixed = columns.some(isCost) && !columns.every(isCost);
  const partOf = (column: (typeof columns)[number]) =>
    column.header.length > 1 ? column.header[0] : mixed && isCost(column) ? 'Cost' : undefined;
  const headings = [...new Set(columns.map(partOf))];
  return groups.flatMap((group) =>
    headings.flatMap((heading): PublishedTable[] => {
      const shown = columns.flatMap((column, i) => (partOf(column) === heading ? [{ column, i }] : []));
      const own = rows.filter((row) => row.group === group && shown.some(({ i }) => row.cells[i]));
      const used = shown.filter(({ i }) => own.some(({ cells }) => cells[i]));
      if (used.length === 0) return [];
      return [
        {
          title:
            group === undefined && heading === undefined
              ? number
              : `${[group, heading].filter(Boolean).join(', ')} (${number})`,
          source: `MHIM-v2, ${id.replace('table-', 'Table ').replace('figure-', 'Figure ')}`,
          note: comparable
            ? 'Difference: ours − published, with Welch’s 95 % interval over folds where both have a spread.'
            : 'Ours are of other data, so the two cannot be compared.',
          metrics: used.map(({ column, i }) => ({ id: String(i), name: headingOf(column, heading) })),
          rows: own.map(({ label, cells }) => ({
            label,
            values: Object.fromEntries(
              used.flatMap(({ column, i }) => {
                const cell = cells[i];
                return cell ? [[String(i), valueOf(cell, scaleOf(column))]] : [];
              }),
            ),
          })),
        },
      ];
    }),
  );
}

/** A sweep: a figure an option and data set, a line the rest of the headings. Rows without a value of the option stand at its end. */
export function sweepsOf({ columns, rows, title }: ExperimentResult): Sweep[] {
  const options = [...new Set(rows.flatMap(({ group, x }) => (x === undefined ? [] : (group ?? title))))];
  const headings = [...new Set(columns.map(({ header }) => header[0] ?? ''))];
  const fixed = rows.filter(({ x }) => x === undefined);
  return options.flatMap((option) =>
    headings.flatMap((heading): Sweep[] => {
      const own = rows.filter(({ group, x }) => x !== undefined && (group ?? title) === option);
      const lines = columns.flatMap(({ header, metric }, i) => {
        if (header[0] !== heading) return [];
        const name = header.slice(1).join(' ') || heading;
        const pointsOf = (some: typeof rows, at: (row: (typeof rows)[number]) => number | string) =>
          some.flatMap((row) => {
            const cell = row.cells[i];
            if (!cell?.ours) return [];
            const scale = scaleOf({ metric });
            const reference = cell.paper ? { reference: cell.paper.mean * scale } : {};
            return [{ at: at(row), values: foldValues(cell.ours, scale), ...reference }];
          });
        const swept = { name, points: pointsOf(own, ({ x }) => x as number) };
        const others = fixed.map((row) => ({
          name: `${row.group ?? row.label}, ${name}`,
          points: pointsOf([row], () => row.group ?? row.label),
        }));
        return [swept, ...others].filter(({ points }) => points.length > 0);
      });
      const metric = columns.find(({ header }) => header[0] === heading)?.metric;
      return lines.length === 0
        ? []
        : [{ title: heading, option, metric: metric === 'cIndex' ? 'C-index' : 'AUC', lines }];
    }),
  );
}

/** Ours as folds (seeds by folds), in the unit of the report: figures as shares, costs as the paper prints them. */
export function foldValues({ mean, std, values }: Ours, scale: number): FoldValues {
  return {
    folds: values.map((value) => ({
      value: value === null ? null : value * scale,
      ...(value === null ? { reason: 'undefined, or not run' } : {}),
    })),
    mean: { value: mean * scale },
    std: { value: std === undefined ? null : std * scale, reason: 'one value has no spread' },
  };
}

function valueOf(
  { ours, paper, difference }: CellResult,
  scale: number,
): PublishedTable['rows'][number]['values'][string] {
  const { mean, std } = paper ?? {};
  const interval = difference?.interval;
  return {
    ...(ours ? { ours: foldValues(ours, scale) } : {}),
    ...(mean === undefined
      ? {}
      : { published: { mean: mean * scale, ...(std === undefined ? {} : { std: std * scale }) } }),
    difference: difference && {
      value: difference.value * scale,
      ...(interval ? { interval: { lower: interval.lower * scale, upper: interval.upper * scale } } : {}),
    },
  };
}

function headingOf({ header, metric }: ExperimentResult['columns'][number], heading: string | undefined): string {
  const name = (header.length > 1 && heading !== undefined ? header.slice(1) : header).join(' ');
  const unit = unitOf(metric);
  return unit === '%' ? name : `${name} (${unit})`;
}

/** Figures are per cent in results and shares in reports. */
function scaleOf({ metric }: Pick<ExperimentResult['columns'][number], 'metric'>): number {
  return unitOf(metric) === '%' ? 0.01 : 1;
}
