import { MhimError, suggestion } from '@mhim/tensor';
import type { Experiment } from './experiment.js';
import { figure5 } from './paper/figure-5.js';
import { figure6 } from './paper/figure-6.js';
import { figure1, figure7, figure8 } from './paper/maps.js';
import { table10 } from './paper/table-10.js';
import { table11 } from './paper/table-11.js';
import { table12 } from './paper/table-12.js';
import { table2 } from './paper/table-2.js';
import { table3 } from './paper/table-3.js';
import { table4 } from './paper/table-4.js';
import { table5 } from './paper/table-5.js';
import { table6 } from './paper/table-6.js';
import { table7 } from './paper/table-7.js';
import { table8 } from './paper/table-8.js';
import { table9 } from './paper/table-9.js';

/** Everything of the paper that is computed; Table 1 is of the data. A new experiment is a file and a line here. */
export const experiments: readonly Experiment[] = [
  ...[table2, table3, table4, table5, table6, table7, table8, table9, table10, table11, table12],
  ...[figure1, figure5, figure6, figure7, figure8],
];

/** @throws MhimError `config` naming those that there are */
export function experimentNamed(kind: 'table' | 'figure', number: string): Experiment {
  const id = `${kind}-${number}`;
  const found = experiments.find((experiment) => experiment.id === id);
  if (found) return found;
  const ids = experiments.flatMap((experiment) => (experiment.id.startsWith(kind) ? experiment.id : []));
  const numbers = ids.map((known) => known.slice(kind.length + 1));
  throw new MhimError(`there is no ${kind} ${number} to run${suggestion(number, numbers)}.`, {
    code: 'config',
    hint: `The paper's ${kind}s: ${numbers.join(', ')}.`,
  });
}
