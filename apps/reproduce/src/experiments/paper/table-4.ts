import { rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

const survival = (name: string, set: 'tcga-blca' | 'tcga-luad' | 'tcga-lusc') => ({
  header: [name],
  metric: 'cIndex' as const,
  spec: { set, task: 'survival' as const },
});

/** Table 4: a patient's slides are one bag, four time bins, 30 epochs. */
export const table4: GridExperiment = {
  kind: 'table',
  id: 'table-4',
  title: 'Survival analysis on TCGA-BLCA, TCGA-LUAD and TCGA-LUSC (C-index)',
  columns: [survival('BLCA', 'tcga-blca'), survival('LUAD', 'tcga-luad'), survival('LUSC', 'tcga-lusc')],
  rows: [
    ...rowsOf(
      'ResNet-50',
      { extractor: 'resnet-50' },
      {
        'AB-MIL': '59.0±5.6 59.5±4.5 59.4±7.1',
        CLAM: '59.0±3.5 59.2±4.1 60.0±2.9',
        DSMIL: '59.2±4.2 59.6±4.9 59.3±4.5',
        TransMIL: '60.4±2.8 62.2±1.0 59.0±4.6',
        'DTFD-MIL': '59.3±4.4 60.1±3.5 59.0±4.1',
        IBMIL: '59.1±5.3 59.8±4.1 58.8±3.3',
        'MHIM(AB.)': '59.6±4.2 59.9±3.6 59.7±3.3',
        'MHIM(Tr.)': '60.6±1.4 62.5±2.4 60.9±5.3',
        'MHIM(DS.)': '59.4±3.9 60.7±5.0 60.1±4.1',
        'R2T-MIL': '61.0±2.1 64.0±4.4 61.0±6.9',
        '2DMamba': '61.2±3.9 61.1±4.3 59.02±4.1',
        'MHIM-v2(AB.)': '60.8±4.0 60.0±4.9 61.0±3.9',
        'MHIM-v2(Tr.)': '61.9±3.7 65.1±4.2 62.7±3.8',
        'MHIM-v2(DS.)': '59.7±3.3 60.4±4.2 60.3±5.2',
      },
    ),
    ...rowsOf(
      'UNI',
      { extractor: 'uni' },
      {
        'AB-MIL': '59.7±5.8 65.1±5.1 58.9±4.1',
        CLAM: '59.5±2.9 64.9±3.1 59.9±3.1',
        DSMIL: '60.1±4.0 63.8±2.5 61.5±4.7',
        TransMIL: '61.2±2.9 66.5±1.8 61.1±2.5',
        'DTFD-MIL': '61.0±5.9 65.0±2.3 60.8±6.0',
        IBMIL: '58.6±5.5 63.3±2.8 60.3±4.8',
        'MHIM(AB.)': '60.2±4.4 66.3±7.0 60.9±4.6',
        'MHIM(Tr.)': '62.1±0.7 66.9±1.5 62.0±4.4',
        'MHIM(DS.)': '61.5±4.3 66.4±2.5 62.1±2.3',
        'R2T-MIL': '61.5±4.3 66.4±2.6 62.6±4.2',
        '2DMamba': '64.8±4.3 63.8±7.6 61.9±5.9',
        'MHIM-v2(AB.)': '61.9±5.5 67.7±4.5 61.3±4.5',
        'MHIM-v2(Tr.)': '63.0±1.6 67.8±2.2 62.7±2.9',
        'MHIM-v2(DS.)': '61.9±5.8 67.4±3.3 63.1±5.3',
      },
    ),
  ],
};
