import { ablations } from '@mhim/hard-mining';
import { columnsByBase } from '../columns.js';
import { rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

/** Rows of the base alone are what MHIM-v2 starts from. The base stands in the column. */
function specOf(label: string) {
  if (label === 'Baseline') return {};
  const mhim = ablations['Table 10'][label as keyof (typeof ablations)['Table 10']];
  return { model: 'mhim-v2', mhim } as const;
}

/** Table 10: the student itself, a fixed teacher, a moving one, a moving one started from the baseline. */
export const table10: GridExperiment = {
  kind: 'table',
  id: 'table-10',
  title: 'Types of teachers',
  columns: columnsByBase,
  rows: [
    ...rowsOf(
      'R50',
      { extractor: 'resnet-50' },
      {
        Baseline: '91.6 91.2 95.3 95.0',
        'Student copy': '92.5 91.7 94.1 96.0',
        'Init.': '92.3 92.8 96.2 95.9',
        Momentum: '92.4 92.5 95.9 96.1',
        'Init.+Momentum': '92.8 93.5 96.2 96.3',
      },
      specOf,
    ),
    ...rowsOf(
      'PLIP',
      { extractor: 'plip' },
      {
        Baseline: '95.0 94.6 95.6 95.5',
        'Student copy': '95.2 94.6 96.1 95.9',
        'Init.': '95.1 94.7 96.4 96.0',
        Momentum: '95.3 94.6 96.3 96.0',
        'Init.+Momentum': '95.7 95.8 96.6 96.4',
      },
      specOf,
    ),
  ],
};
