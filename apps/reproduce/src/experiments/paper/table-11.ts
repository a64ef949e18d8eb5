import { columnsByExtractor } from '../columns.js';
import { methodSpec, rowsOf } from '../methods.js';
import type { GridExperiment } from '../experiment.js';

/** MHIM-v2 starts its student's feature layer from the baseline as it is; an aggregator is trained a second time, from its own first. */
function specOf(label: string) {
  const spec = methodSpec(label);
  return spec.model === 'mhim-v2' ? spec : { ...spec, init: 'feature' as const };
}

/** Table 11: the feature layer started from a trained baseline, with and without mining. Gains are over training without. */
export const table11: GridExperiment = {
  kind: 'table',
  id: 'table-11',
  title: 'Models under student initialisation',
  columns: columnsByExtractor,
  rows: [
    ...rowsOf(
      'w/ student init.',
      {},
      {
        'AB-MIL': '91.7+.1 95.0+.0 95.2-.1 95.5-.2',
        'MHIM-v2(AB.)': '92.8+.9 95.7+.4 96.2+.1 96.6+.4',
        TransMIL: '91.8+.5 94.5-.1 94.5-.5 95.4-.5',
        'MHIM-v2(Tr.)': '93.5+1. 95.8+1. 96.3+.6 96.4+.7',
      },
      specOf,
    ),
    ...rowsOf(
      'w/ student init.',
      {},
      {
        'CLAM-SB': '91.4-.1 95.0-.3 95.5+.1 95.4-.1',
        'DTFD-MIL': '91.7+.2 95.5+.2 95.4-.2 95.9+.1',
        'R2T-MIL': '92.3-.6 95.1+.1 96.4-.0 95.9-.5',
      },
      specOf,
    ),
  ],
};
