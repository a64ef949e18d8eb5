import type { CellSpec, MapExperiment } from '../experiment.js';

const camelyon = { set: 'camelyon', extractor: 'resnet-50', task: 'classification' } as const;
const alone = (model: 'ab-mil' | 'trans-mil'): CellSpec => ({ ...camelyon, model });
const mined = (base: 'ab-mil' | 'trans-mil', mhim?: CellSpec['mhim']): CellSpec => ({
  ...camelyon,
  model: 'mhim-v2',
  base,
  ...(mhim ? { mhim } : {}),
});

/** Figure 1: what a baseline attends to and what MHIM-v2 does, on tumour and normal slides. */
export const figure1: MapExperiment = {
  kind: 'maps',
  id: 'figure-1',
  title: 'MHIM-v2 beside its baseline',
  models: [
    { label: 'AB-MIL', spec: alone('ab-mil') },
    { label: 'MHIM-v2(AB-MIL)', spec: mined('ab-mil') },
  ],
  positive: 1,
  negative: 1,
};

/** Figure 7: more slides, both baselines. */
export const figure7: MapExperiment = {
  kind: 'maps',
  id: 'figure-7',
  title: 'Patches that baselines and MHIM-v2 attend to, CAMELYON',
  models: [
    { label: 'AB-MIL', spec: alone('ab-mil') },
    { label: 'MHIM-v2(AB-MIL)', spec: mined('ab-mil') },
    { label: 'TransMIL', spec: alone('trans-mil') },
    { label: 'MHIM-v2(TransMIL)', spec: mined('trans-mil') },
  ],
  positive: 3,
  negative: 1,
};

/** Figure 8: how the teacher ranks instances as training goes on, by attention and by class-aware probability. */
export const figure8: MapExperiment = {
  kind: 'maps',
  id: 'figure-8',
  title: 'Easy instances by the teacher’s scores during training',
  models: [
    { label: 'Attention', spec: mined('ab-mil', { score: 'attention' }) },
    { label: 'Instance Probability', spec: mined('ab-mil') },
  ],
  positive: 1,
  negative: 1,
  moments: [0, 0.25, 0.5, 1],
};
