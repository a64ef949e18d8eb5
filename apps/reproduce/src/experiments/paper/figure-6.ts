import { columnsByAll } from '../columns.js';
import type { CellSpec, GridExperiment, Row } from '../experiment.js';

function panel(group: string, options: readonly [number, NonNullable<CellSpec['mhim']>][]): Row[] {
  return options.map(([x, mhim]) => ({ group, label: String(x), x, spec: { model: 'mhim-v2', mhim }, paper: [] }));
}

/** Figure 6: the two mask ratios and the weight of the consistency loss, one varied at a time (§4.5.6). */
export const figure6: GridExperiment = {
  kind: 'sweep',
  id: 'figure-6',
  title: 'Hyper-parameters of MHIM-v2',
  notes: [
    'The paper draws this figure without printing its numbers or grids; the values are ours and hold the grid of the official README (βh 0.01, 0.03, 0.05; βl 0.8, 0.9).',
  ],
  columns: columnsByAll,
  rows: [
    ...panel(
      'βh',
      [0.01, 0.02, 0.03, 0.05, 0.1].map((maskRatioHigh) => [maskRatioHigh, { maskRatioHigh }]),
    ),
    ...panel('βl', [
      [0.5, { keepRatio: 0.5 }],
      [0.7, { keepRatio: 0.3 }],
      [0.8, { keepRatio: 0.2 }],
      [0.9, { keepRatio: 0.1 }],
    ]),
    ...panel(
      'α',
      [0, 0.1, 0.5, 1].map((consistencyWeight) => [consistencyWeight, { consistencyWeight }]),
    ),
  ],
};
