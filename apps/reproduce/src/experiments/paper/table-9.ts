import { ablations } from '@mhim/hard-mining';
import { columnsByExtractor } from '../columns.js';
import { rowsOf } from '../methods.js';
import type { CellSpec, GridExperiment } from '../experiment.js';

const specOf = (base: CellSpec['base']) => (label: string) => {
  if (label === 'ABMIL' || label === 'TransMIL') return { model: base };
  const mhim = ablations['Table 9'][label as keyof (typeof ablations)['Table 9']];
  return { model: 'mhim-v2', base, mhim } as const;
};

/** Table 9: how the survivors of the high score mask are split, and whether what is split off is recycled. */
export const table9: GridExperiment = {
  kind: 'table',
  id: 'table-9',
  title: 'Instance mining methods',
  notes: [
    'The paper’s memory is of PyTorch’s allocator on a GeForce RTX 3090, ours of all tensors at the peak of a step.',
  ],
  columns: [
    {
      header: ['Memo.'],
      metric: 'memoryBytes',
      spec: { set: 'camelyon', extractor: 'resnet-50', task: 'classification' },
    },
    ...columnsByExtractor,
  ],
  rows: [
    ...rowsOf(
      undefined,
      {},
      {
        ABMIL: '2.3G 91.6 95.0 95.3 95.6',
        'RHSM+CL': '2.7G 92.3 95.2 95.9 96.3',
        '+RSM': '2.6G 92.6 95.4 96.2 96.5',
        '+LSM+GRN': '2.8G 92.3 95.4 96.0 96.4',
        '+RSM+GRN': '2.8G 92.8 95.7 96.2 96.6',
      },
      specOf('ab-mil'),
    ),
    ...rowsOf(
      undefined,
      {},
      {
        TransMIL: '10.6G 91.2 94.6 95.0 95.5',
        'RHSM+CL': '10.6G 92.6 94.4 95.5 95.8',
        '+RSM': '5.5G 93.0 95.1 95.6 96.3',
        '+LSM+GRN': '5.6G 92.5 95.2 95.8 96.0',
        '+RSM+GRN': '5.6G 93.5 95.8 96.3 96.4',
      },
      specOf('trans-mil'),
    ),
  ],
};
