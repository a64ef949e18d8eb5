import { ablations } from '@mhim/hard-mining';
import { columnsByExtractor } from '../columns.js';
import { rowsOf } from '../methods.js';
import type { CellSpec, GridExperiment } from '../experiment.js';

const specOf = (base: CellSpec['base']) => (label: string) => {
  const name = label.startsWith('MHIM-v2') ? 'MHIM-v2' : label;
  const mhim = ablations['Table 12'][name as keyof (typeof ablations)['Table 12']];
  return { model: 'mhim-v2', base, mhim } as const;
};

/** Table 12: what keeps the high score mask from hiding all that is informative. */
export const table12: GridExperiment = {
  kind: 'table',
  id: 'table-12',
  title: 'Mitigation of error masking',
  columns: columnsByExtractor,
  rows: [
    ...rowsOf(
      undefined,
      {},
      {
        'MHIM-v2(AB.)': '92.8 95.7 96.2 96.6',
        'w/o Decay': '92.7 95.2 96.2 96.5',
        'w/o RHSM': '92.0 95.0 96.0 96.4',
      },
      specOf('ab-mil'),
    ),
    ...rowsOf(
      undefined,
      {},
      {
        'MHIM-v2(Tr.)': '93.5 95.8 96.3 96.4',
        'w/o Decay': '92.9 94.4 95.9 95.9',
        'w/o RHSM': '92.8 94.7 95.9 96.2',
      },
      specOf('trans-mil'),
    ),
  ],
};
