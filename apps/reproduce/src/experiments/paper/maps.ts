import type { CellSpec, MapExperiment } from '../experiment.js';

type Base = 'ab-mil' | 'ds-mil' | 'trans-mil';

const camelyon = { set: 'camelyon', extractor: 'resnet-50', task: 'classification' } as const;
const alone = (model: Base): CellSpec => ({ ...camelyon, model });
const mined = (base: Base, mhim?: CellSpec['mhim']): CellSpec => ({
  ...camelyon,
  model: 'mhim-v2',
  base,
  ...(mhim ? { mhim } : {}),
});

/** Figure 1: what is masked (a), where a baseline and MHIM-v2 attend to (b) and see tumour (c), on a tumour and a normal slide. */
export const figure1: MapExperiment = {
  kind: 'maps',
  id: 'figure-1',
  title: 'MHIM-v2 beside its baseline',
  layers: ['attention', 'probability', 'masked'],
  models: [
    { label: 'AB-MIL', spec: alone('ab-mil') },
    { label: 'MHIM-v2(AB-MIL)', spec: mined('ab-mil') },
  ],
  positive: 1,
  negative: 1,
};

/** Figure 7: attention and tumour probability on more slides, MHIM-v2 beside each of its baselines. */
export const figure7: MapExperiment = {
  kind: 'maps',
  id: 'figure-7',
  title: 'Patches that baselines and MHIM-v2 attend to, and where they see tumour, CAMELYON',
  layers: ['attention', 'probability'],
  models: [
    { label: 'AB-MIL', spec: alone('ab-mil') },
    { label: 'MHIM-v2(AB-MIL)', spec: mined('ab-mil') },
    { label: 'DSMIL', spec: alone('ds-mil') },
    { label: 'MHIM-v2(DSMIL)', spec: mined('ds-mil') },
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
