import { MhimError } from '@mhim/tensor';
import type { CellSpec, Row } from './experiment.js';

/** Rows under one heading, by the label that the paper prints, each with its numbers in the order of the columns. */
export function rowsOf(
  group: string | undefined,
  shared: Partial<CellSpec>,
  lines: Readonly<Record<string, string>>,
  specOf: (label: string) => Partial<CellSpec> = methodSpec,
): Row[] {
  return Object.entries(lines).map(([label, numbers]) => ({
    ...(group === undefined ? {} : { group }),
    label,
    spec: { ...shared, ...specOf(label) },
    paper: numbers.split(' '),
  }));
}

/** The method that a label of the paper names: `TransMIL`, `MHIM(Tr.)`, `MHIM-v2(AB-MIL)`. */
export function methodSpec(label: string): Partial<CellSpec> {
  const [, method, base] = /^(MHIM|MHIM-v2)\((.+)\)$/.exec(label) ?? [];
  if (method !== undefined && base !== undefined) {
    return { model: method === 'MHIM' ? 'mhim' : 'mhim-v2', base: aggregatorNamed(base) };
  }
  return { model: aggregatorNamed(label) };
}

function aggregatorNamed(label: string): NonNullable<CellSpec['base']> {
  const name = NAMES[label];
  if (name !== undefined) return name;
  throw new MhimError(`the paper has no method "${label}".`, { code: 'config' });
}

/** "CLAM" is its single-branch variant, as Table 11 says. */
const NAMES: Readonly<Record<string, NonNullable<CellSpec['base']>>> = {
  'AB-MIL': 'ab-mil',
  ABMIL: 'ab-mil',
  'AB.': 'ab-mil',
  CLAM: 'clam-sb',
  'CLAM-SB': 'clam-sb',
  DSMIL: 'ds-mil',
  'DS.': 'ds-mil',
  TransMIL: 'trans-mil',
  'Trans.': 'trans-mil',
  'Tr.': 'trans-mil',
  'DTFD-MIL': 'dtfd-mil',
  IBMIL: 'ib-mil',
  'R2T-MIL': 'r2t-mil',
  '2DMamba': 'mamba-2d',
};
