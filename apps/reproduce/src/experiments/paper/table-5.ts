import { rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

const trainedOnNsclc = { set: 'tcga-nsclc', test: 'cptac', task: 'classification' } as const;
const trainedOnLuad = { set: 'tcga-luad', test: 'cptac', task: 'survival' } as const;

/** Table 5: trained on TCGA, judged on all of CPTAC. Beside MHIM's means the paper prints gains, beside the others' deviations. */
export const table5: GridExperiment = {
  kind: 'table',
  id: 'table-5',
  title: 'Cross-source validation on CPTAC (NSCLC: AUC, LUAD: C-index)',
  columns: [
    { header: ['CPTAC-NSCLC', 'R50'], metric: 'auc', spec: { ...trainedOnNsclc, extractor: 'resnet-50' } },
    { header: ['CPTAC-NSCLC', 'PLIP'], metric: 'auc', spec: { ...trainedOnNsclc, extractor: 'plip' } },
    { header: ['CPTAC-LUAD', 'R50'], metric: 'cIndex', spec: { ...trainedOnLuad, extractor: 'resnet-50' } },
    { header: ['CPTAC-LUAD', 'UNI'], metric: 'cIndex', spec: { ...trainedOnLuad, extractor: 'uni' } },
  ],
  rows: rowsOf(
    undefined,
    {},
    {
      CLAM: '74.9±1 80.6±1 47.1±2 55.6±3',
      'R2T-MIL': '76.3±1 81.4±1 51.4±2 57.0±4',
      'AB-MIL': '74.1±1 81.4±2 48.6±1 52.0±4',
      'MHIM(AB.)': '76.5+2 81.2-.1 49.1+.5 55.8+4',
      'MHIM-v2(AB.)': '76.7+3 82.3+.9 49.1+.6 56.7+5',
      TransMIL: '77.2±2 81.2±1 50.4±9 53.3±3',
      'MHIM(Tr.)': '79.0+2 82.7+2 54.0+3 57.0+4',
      'MHIM-v2(Tr.)': '79.6+3 83.1+2 54.9+4 57.6+5',
    },
  ),
};
