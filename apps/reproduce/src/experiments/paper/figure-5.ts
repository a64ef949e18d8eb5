import { columnsByAll } from '../columns.js';
import type { GridExperiment, Row } from '../experiment.js';

/** Random masking and nothing else: no teacher's scores, no recycling, no consistency loss, no start from a baseline. */
const randomMaskingOnly = {
  maskRatioHigh: 0,
  split: 'random',
  recycle: false,
  recycleAtInference: false,
  teacher: 'student',
  initTeacher: false,
  initStudent: 'none',
  consistencyWeight: 0,
} as const;

const masked = (ratio: number): Row => ({
  group: 'RSM',
  label: String(ratio),
  x: ratio,
  spec: { model: 'mhim-v2', mhim: { ...randomMaskingOnly, keepRatio: KEPT[ratio] } },
  paper: [],
});

/** Kept shares as they are written; 1 − 0.9 is not 0.1 in doubles. */
const KEPT: Readonly<Record<number, number>> = { 0.1: 0.9, 0.3: 0.7, 0.5: 0.5, 0.7: 0.3, 0.8: 0.2, 0.9: 0.1 };

/** Figure 5: random masking alone, by its ratio, beside MHIM-v2. */
export const figure5: GridExperiment = {
  kind: 'sweep',
  id: 'figure-5',
  title: 'Random masking alone and MHIM-v2',
  notes: ['The paper draws this figure without printing its numbers or ratios; the ratios are ours.'],
  columns: columnsByAll,
  rows: [
    { group: 'RSM', label: '0 (baseline)', x: 0, spec: {}, paper: [] },
    ...[0.1, 0.3, 0.5, 0.7, 0.8, 0.9].map(masked),
    { group: 'MHIM-v2', label: 'Ours', spec: { model: 'mhim-v2' }, paper: [] },
  ],
};
