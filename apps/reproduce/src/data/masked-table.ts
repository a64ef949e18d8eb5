import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  checkUnique,
  classCount,
  readFolds,
  readLabels,
  type Bag,
  type BagInfo,
  type BagSource,
  type Fold,
} from '@mhim/datasets';
import { MhimError, SafetensorsFile, toFloat32 } from '@mhim/tensor';
import { createHash } from 'node:crypto';

/** A table of cases as bags, with the folds that lie beside it. */
export interface MaskedTable extends BagSource {
  readonly folds?: Fold[];
}

export interface MaskedTableOptions {
  /** Table of the cases in the order of the rows; default `NAME_cases.csv` beside `NAME.safetensors`. */
  labels?: string;
  /** Default `NAME_folds.json` beside it, where there is one. */
  folds?: string;
}

/** Whether a file holds a table of cases and groups of its columns, told by its tensors alone. */
export async function isMaskedTable(path: string): Promise<boolean> {
  if (!path.endsWith('.safetensors') || !existsSync(path)) return false;
  const file = await SafetensorsFile.open(path);
  try {
    return tensorsOf(file) !== undefined;
  } finally {
    await file.close();
  }
}

/**
 * Opens a table of measurements as bags: `NAME.safetensors` holds one [cases, d] tensor, a row a case, and one [groups, d] whose name
 * ends in `mask`, a row a group of columns (genes of a pathway, say). A case is a bag of one instance a group: the case's values where
 * the mask is not zero, weighted by mask / √Σ mask, so that large groups do not outweigh small ones; 0 elsewhere.
 * @throws MhimError `file-missing` for a table of cases that is not there, `data` where rows and tensors disagree
 */
export async function openMaskedTable(path: string, options: MaskedTableOptions = {}): Promise<MaskedTable> {
  const name = basename(path, '.safetensors');
  const beside = (end: string) => join(dirname(path), `${name}_${end}`);
  const { values, mask, width } = await readTensors(path);
  const bags = await casesOf(options.labels ?? beside('cases.csv'), {
    ...{ path, cases: values.length / width, instances: mask.length / width },
  });
  const weights = weightsOf(mask, width, path);
  const folds = options.folds ?? (existsSync(beside('folds.json')) ? beside('folds.json') : undefined);
  return {
    ...{ name, path, width, bags },
    classes: classCount(bags),
    simulated: false,
    ...(folds === undefined ? {} : { folds: await readFolds(folds, { bags }) }),
    async read(index): Promise<Bag> {
      const { id, label } = bags[index] as BagInfo;
      const row = values.subarray(index * width, (index + 1) * width);
      const features = weights.map((weight, i) => weight * (row[i % width] as number));
      return { id, instances: weights.length / width, width, features, ...(label === undefined ? {} : { label }) };
    },
    async fingerprint() {
      const hash = createHash('sha256').update(JSON.stringify(bags));
      for (const array of [values, mask]) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      return hash.digest('hex');
    },
    async close() {},
  };
}

interface TableTensors {
  values: string;
  mask: string;
  width: number;
}

/** One two-dimensional tensor that is a mask and one that is not, of one width. */
function tensorsOf(file: SafetensorsFile): TableTensors | undefined {
  const tables = [...file.entries].filter(([, { shape }]) => shape.length === 2);
  const [masks, others] = [true, false].map((isMask) => tables.filter(([name]) => /mask$/i.test(name) === isMask));
  const [[mask, values], more] = [[masks?.[0], others?.[0]], tables.length > 2];
  if (!mask || !values || more || mask[1].shape[1] !== values[1].shape[1]) return undefined;
  return { values: values[0], mask: mask[0], width: mask[1].shape[1] as number };
}

async function readTensors(path: string): Promise<{ values: Float32Array; mask: Float32Array; width: number }> {
  const file = await SafetensorsFile.open(path);
  try {
    const names = tensorsOf(file);
    if (!names) {
      throw new MhimError('is no table of cases.', {
        code: 'file-format',
        path,
        hint: 'Expected a [cases, d] tensor and a [groups, d] one whose name ends in mask.',
      });
    }
    const [values, mask] = [toFloat32(await file.read(names.values)), toFloat32(await file.read(names.mask))];
    return { values, mask, width: names.width };
  } finally {
    await file.close();
  }
}

async function casesOf(
  labels: string,
  { path, cases, instances }: { path: string; cases: number; instances: number },
): Promise<BagInfo[]> {
  const { rows } = await readLabels(labels);
  if (rows.length !== cases) {
    throw new MhimError(`has ${rows.length} rows, but ${path} has ${cases} cases.`, {
      code: 'data',
      path: labels,
      hint: 'It needs a row a case, in the order of the tensor’s rows.',
    });
  }
  const bags = rows.map(({ line: _line, caseId, id, ...info }) => ({ id, caseId: caseId ?? id, ...info, instances }));
  checkUnique(bags, labels);
  return bags;
}

function weightsOf(mask: Float32Array, width: number, path: string): Float32Array {
  const weights = new Float32Array(mask.length);
  for (let at = 0; at < mask.length; at += width) {
    const row = mask.subarray(at, at + width);
    const sum = row.reduce((total, value) => total + value, 0);
    if (!(sum > 0) || row.some((value) => value < 0)) {
      throw new MhimError(`row ${at / width} of the mask names no columns.`, { code: 'data', path });
    }
    for (let i = 0; i < width; i++) weights[at + i] = (row[i] as number) / Math.sqrt(sum);
  }
  return weights;
}
