import { titleOf, spread } from './console-table.js';
import { unitOf, type CellResult, type ExperimentResult } from './experiment-result.js';

/**
 * A `table` for LaTeX with booktabs, multirow, adjustbox and xcolor: of every row ours above, the paper's below in grey, the difference as an
 * index. Made smaller where it does not fit the page.
 */
export function resultLatex(result: ExperimentResult): string {
  const shown = result.columns.map((_, i) => i).filter((i) => result.rows.some(({ cells }) => cells[i]));
  const columns = shown.map((i) => result.columns[i] as ExperimentResult['columns'][number]);
  const rows = result.rows.filter(({ cells }) => cells.some((cell) => cell !== null));
  const names = rows.some(({ group }) => group !== undefined) ? 2 : 1;
  const depth = Math.max(1, ...columns.map(({ header }) => header.length));
  const heads = Array.from({ length: depth }, (_, level) => headLine(columns, level, depth, names));
  const printed = rows.some(({ cells }) => cells.some((cell) => cell?.paper));
  const body = rows.flatMap((row, i) => {
    const { group, label } = row;
    const cells = shown.map((at) => row.cells[at] ?? null);
    const fresh = group !== rows[i - 1]?.group;
    const size = rows.slice(i).findIndex((other) => other.group !== group);
    const span = (size < 0 ? rows.length - i : size) * (printed ? 2 : 1);
    const first = names === 1 ? [] : [fresh && group !== undefined ? `\\multirow{${span}}{*}{${escaped(group)}}` : ''];
    const line = (head: string, texts: readonly string[]) =>
      [...(head === '' ? first.map(() => '') : first), head, ...texts].join(' & ');
    return [
      ...(fresh && i > 0 ? ['\\midrule'] : []),
      `${line(escaped(label), cells.map(oursLatex))} \\\\`,
      ...(printed ? [`${line('', cells.map(paperLatex))} \\\\[2pt]`] : []),
    ];
  });
  const below = printed ? " Ours above, the paper's below in grey; index: ours minus the paper's." : '';
  return [
    '% \\usepackage{booktabs,multirow,adjustbox,xcolor}',
    ...result.missing.map(({ name }) => `% not done: ${name}`),
    '\\begin{table}',
    '\\centering\\footnotesize',
    `\\caption{${escaped(captionOf(result))}.${below}}`,
    '\\begin{adjustbox}{max width=\\linewidth,max totalheight=.9\\textheight}',
    `\\begin{tabular}{${'l'.repeat(names)}${'c'.repeat(columns.length)}}`,
    ...['\\toprule', ...heads, '\\midrule', ...body, '\\bottomrule', '\\end{tabular}'],
    ...['\\end{adjustbox}', '\\end{table}', ''],
  ].join('\n');
}

/** LaTeX numbers tables itself, so the paper's number stands behind. */
function captionOf(result: ExperimentResult): string {
  const [number = '', ...title] = titleOf(result).split(': ');
  return `${title.join(': ')} (MHIM-v2, ${number})`;
}

/** One line of headings; equal neighbours are one cell. */
function headLine(columns: ExperimentResult['columns'], level: number, depth: number, names: number): string {
  const last = level === depth - 1;
  const texts = columns.map(({ header, metric }) => {
    const text = header[level - (depth - header.length)] ?? '';
    return last ? `${text} (${unitOf(metric)})` : text;
  });
  const cells: { text: string; span: number }[] = [];
  for (const text of texts) {
    const before = cells.at(-1);
    if (before && before.text === text && !last) before.span++;
    else cells.push({ text, span: 1 });
  }
  const heads = cells.map(({ text, span }) =>
    span === 1 ? escaped(text) : `\\multicolumn{${span}}{c}{${escaped(text)}}`,
  );
  return `${' & '.repeat(names)}${heads.join(' & ')} \\\\`;
}

function oursLatex(cell: CellResult | null): string {
  if (!cell) return '';
  const { ours, difference } = cell;
  const index = difference ? `_{${difference.value < 0 ? '' : '+'}${difference.value.toFixed(1)}}` : '';
  return ours ? `$${spread(ours).replace('±', '{\\scriptstyle\\pm}')}${index}$` : '--';
}

function paperLatex(cell: CellResult | null): string {
  if (!cell?.paper) return '';
  const text = cell.paper.text
    .replace('±', '{\\scriptstyle\\pm}')
    .replace(/([MGs])$/, '\\mathrm{$1}')
    // The gain beside a mean is no sum.
    .replace(/[+-](?=[\d.]*$)/, '{$&}');
  return `\\textcolor{gray}{$${text}$}`;
}

function escaped(text: string): string {
  return text
    .replace(/[&%#_{}]/g, '\\$&')
    .replaceAll('±', '$\\pm$')
    .replaceAll('β', '$\\beta$')
    .replaceAll('α', '$\\alpha$')
    .replaceAll('−', '$-$')
    .replaceAll('’', "'");
}
