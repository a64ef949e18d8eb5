import { rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

const camelyon = { set: 'camelyon', task: 'classification' } as const;

/** Table 6: what a model costs, on CAMELYON with ResNet-50 features, beside how well it does. */
export const table6: GridExperiment = {
  kind: 'table',
  id: 'table-6',
  title: 'Computational cost',
  notes: [
    'The paper’s times and memory are of a GeForce RTX 3090, ours of the machine that is named; PyTorch’s memory is that of its allocator.',
    'Two of the paper’s figures differ from its Table 2: R2T-MIL (92.89 there) and MHIM over TransMIL (93.02 there) on CAMELYON.',
    'The paper’s ABMIL and MHIM(AB.) are gated by their size; the trained models here are not.',
  ],
  columns: [
    { header: ['Parameter'], metric: 'parameters', spec: camelyon },
    { header: ['Train Time'], metric: 'epochSeconds', spec: camelyon },
    { header: ['Memory'], metric: 'memoryBytes', spec: camelyon },
    { header: ['Inference Speed'], metric: 'bagsPerSecond', spec: camelyon },
    { header: ['CAMELYON'], metric: 'auc', spec: camelyon },
    { header: ['NSCLC'], metric: 'auc', spec: { set: 'tcga-nsclc', task: 'classification' } },
    { header: ['LUAD'], metric: 'cIndex', spec: { set: 'tcga-luad', task: 'survival' } },
  ],
  rows: rowsOf(
    undefined,
    { extractor: 'resnet-50' },
    {
      ABMIL: '0.66M 3.1s 2.3G 1250 91.59 95.32 59.47',
      'DTFD-MIL': '0.99M 5.1s 2.1G 325 91.49 95.55 60.05',
      'R2T-MIL': '2.70M 6.5s 10.1G 236 92.73 96.40 64.01',
      'MHIM(AB.)': '0.65M 4.1s 2.2G 1250 92.30 96.02 59.87',
      'MHIM-v2(AB.)': '1.64M 4.3s 2.8G 714 92.77 96.22 59.98',
      TransMIL: '2.67M 13.2s 10.6G 76 91.23 94.97 62.15',
      'MHIM(Trans.)': '2.67M 10.1s 5.5G 76 92.62 95.98 62.52',
      'MHIM-v2(Trans.)': '3.72M 10.5s 5.6G 72 93.47 96.29 65.11',
    },
  ),
};
