import { ablations } from '@mhim/hard-mining';
import { columnsByBase } from '../columns.js';
import { rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

/** Rows of the base alone are what MHIM-v2 starts from. The base stands in the column. */
function specOf(label: string) {
  if (label === 'Baseline') return {};
  const mhim = ablations['Table 7'][label as keyof (typeof ablations)['Table 7']];
  return { model: 'mhim-v2', mhim } as const;
}

/** Table 7: randomly high score masking, the recycle network and the consistency loss, one by one. */
export const table7: GridExperiment = {
  kind: 'table',
  id: 'table-7',
  title: 'Modules of MHIM-v2',
  columns: columnsByBase,
  rows: [
    ...rowsOf(
      'R50',
      { extractor: 'resnet-50' },
      {
        Baseline: '91.6 91.2 95.3 95.0',
        '+RHSM': '92.1 92.4 95.9 95.1',
        '+RHSM+GRN': '92.5 92.4 96.1 95.8',
        '+RHSM+CL': '92.3 92.6 95.9 95.5',
        '+RHSM+GRN+CL': '92.8 93.5 96.2 96.3',
      },
      specOf,
    ),
    ...rowsOf(
      'PLIP',
      { extractor: 'plip' },
      {
        Baseline: '95.0 94.6 95.6 95.5',
        '+RHSM': '95.2 93.9 96.3 95.9',
        '+RHSM+GRN': '95.2 94.9 96.4 96.0',
        '+RHSM+CL': '95.2 94.4 96.3 95.8',
        '+RHSM+GRN+CL': '95.7 95.8 96.6 96.4',
      },
      specOf,
    ),
  ],
};
