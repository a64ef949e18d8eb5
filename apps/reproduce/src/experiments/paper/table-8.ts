import { ablations } from '@mhim/hard-mining';
import { columnsByBase } from '../columns.js';
import { rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

/** Rows of the base alone are what MHIM-v2 starts from. The base stands in the column. */
function specOf(label: string) {
  if (label === 'Baseline') return {};
  const mhim = ablations['Table 8'][label as keyof (typeof ablations)['Table 8']];
  return { model: 'mhim-v2', mhim } as const;
}

/** Table 8: what the teacher ranks instances by. */
export const table8: GridExperiment = {
  kind: 'table',
  id: 'table-8',
  title: 'Assessment of easy instances',
  columns: columnsByBase,
  rows: [
    ...rowsOf(
      'R50',
      { extractor: 'resnet-50' },
      {
        Baseline: '91.6 91.2 95.3 95.0',
        Attention: '92.2 92.4 96.1 95.4',
        'Instance Probability': '92.8 93.5 96.2 96.3',
      },
      specOf,
    ),
    ...rowsOf(
      'PLIP',
      { extractor: 'plip' },
      {
        Baseline: '95.0 94.6 95.6 95.5',
        Attention: '95.5 95.2 96.4 96.1',
        'Instance Probability': '95.7 95.8 96.6 96.4',
      },
      specOf,
    ),
  ],
};
