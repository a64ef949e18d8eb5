import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../test-helpers.js';
import { experiments } from '../catalogue.js';
import type { GridExperiment } from '../experiment.js';
import { printed } from '../printed.js';
import { differenceOf } from './difference.js';
import type { CellResult, ExperimentResult } from './experiment-result.js';
import { resultLatex } from './latex.js';

const at = temporaryFolder();
const grids = experiments.filter((experiment): experiment is GridExperiment => experiment.kind !== 'maps');

/** As if every fold had come out a little above the paper; one cell in three was not run. */
function resultOf({ kind, id, title, columns, rows }: GridExperiment): ExperimentResult {
  const cellOf = (text: string | undefined, i: number): CellResult => {
    const paper = text === undefined ? undefined : printed(text);
    const mean = (paper?.mean ?? 90) + 0.4;
    const ours = { mean, std: 1.2, values: [mean - 1, mean, mean + 1, mean, mean] };
    if (i % 3 === 2) return { ...(paper ? { paper } : {}), jobs: [] };
    return { ours, ...(paper ? { paper, difference: differenceOf(ours, paper) } : {}), jobs: [] };
  };
  return {
    ...{ format: 'mhim-experiment', version: 1, id, kind, title, simulated: false, reduced: false, comparable: true },
    ...{ protocol: 'paper', data: [], notes: [], missing: [{ id: 'x', name: 'camelyon · AB-MIL 100 % & more' }] },
    columns,
    rows: rows.map(({ group, label, x, paper }, row) => ({
      ...{ group, label, x },
      cells: columns.map((_, column) => (row === 1 && column === 0 ? null : cellOf(paper[column], row + column))),
    })),
  };
}

describe('tables for LaTeX', () => {
  test.each(grids)('$id: every line has as many cells as there are columns', (experiment) => {
    const lines = resultLatex(resultOf(experiment)).split('\n');
    const columns = /\{([lc]+)\}$/.exec(lines.find((line) => line.startsWith('\\begin{tabular}')) ?? '')?.[1]?.length;
    const cellsOf = (line: string) =>
      line.split(/(?<!\\)&/).reduce((sum, cell) => sum + Number(/\\multicolumn\{(\d+)\}/.exec(cell)?.[1] ?? 1), 0);
    const body = lines.filter((line) => /\\\\(\[2pt\])?$/.test(line));
    expect(body.length).toBeGreaterThan(experiment.rows.length);
    for (const line of body) expect(cellsOf(line), line).toBe(columns);
  });

  test('say their number in the paper behind, and gains as such', () => {
    const table5 = resultLatex(resultOf(grids.find(({ id }) => id === 'table-5') as GridExperiment));
    expect(table5).toContain(
      '\\caption{Cross-source validation on CPTAC (NSCLC: AUC, LUAD: C-index) (MHIM-v2, Table 5).',
    );
    expect(table5).toContain('\\textcolor{gray}{$76.5{+}2$}');
  });

  test('have ours above the paper’s, with the difference', () => {
    const table2 = grids.find(({ id }) => id === 'table-2') as GridExperiment;
    expect(resultLatex(resultOf(table2))).toMatch(
      /AB-MIL & \$88\.5\{\\scriptstyle\\pm\}1\.2_\{\+0\.4\}\$ & .*\n & {2}& \\textcolor\{gray\}\{\$88\.09\{\\scriptstyle\\pm\}1\.69\$\}/,
    );
  });
});

const latex = (process.env.PATH ?? '')
  .split(':')
  .map((folder) => join(folder, 'pdflatex'))
  .find((path) => existsSync(path));

test.skipIf(latex === undefined)('all of them together are a document (pdflatex)', () => {
  const tables = grids.map((experiment) => `${resultLatex(resultOf(experiment))}\\clearpage`);
  writeFileSync(
    at('tables.tex'),
    `\\documentclass{article}\n\\usepackage{booktabs,multirow,adjustbox,xcolor}\n\\begin{document}\n${tables.join('\n')}\n\\end{document}\n`,
  );
  const args = ['-interaction=nonstopmode', '-halt-on-error', '-output-directory', at(), at('tables.tex')];
  execFileSync(latex as string, args, { stdio: 'ignore' });
  const log = readFileSync(at('tables.log'), 'utf8');
  expect(log).toMatch(new RegExp(`Output written on .*\\(${grids.length} pages`));
  expect(log.match(/Overfull \\[hv]box|Float too large/g) ?? []).toEqual([]);
  if (process.env.MHIM_KEEP) writeFileSync(process.env.MHIM_KEEP, readFileSync(at('tables.pdf')));
});
