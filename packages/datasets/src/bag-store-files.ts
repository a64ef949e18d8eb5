import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse/sync';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { isClassNumber } from './class-number.js';

/** What `index.json` beside a store says; written by us, optional in stores of others. */
export interface BagStoreIndex {
  format: 'mhim-bag-store';
  version: 1;
  bags: number;
  instances: number;
  width: number;
  dtype: 'F32' | 'F16';
  /** Of bags.safetensors. */
  sha256: string;
  /** Of every bag's features as they stand in the file, in the order of the bags. */
  bagSha256?: string[];
  coordsUnit?: 'um';
  simulated?: boolean;
  name?: string;
}

/** Reads `index.json`, if there is one of ours. */
export async function readIndex(folder: string): Promise<BagStoreIndex | undefined> {
  const path = join(folder, 'index.json');
  if (!existsSync(path)) return undefined;
  try {
    const index = JSON.parse(await readFile(path, 'utf8')) as BagStoreIndex | null;
    return index?.format === 'mhim-bag-store' ? index : undefined;
  } catch (cause) {
    throw new MhimError('is no valid JSON.', {
      code: 'file-format',
      path,
      cause,
      hint: 'Delete it or convert the store again.',
    });
  }
}

/**
 * Reads what `bags.csv` knows of the bags, in the store's order; undefined where there is no such file.
 * @param sizes instances of every bag, as the tensors have them
 * @param labels as the tensors have them; −1 for none
 * @throws MhimError `file-format` when the table is of other bags than the tensors
 */
export async function readBagTable(
  path: string,
  sizes: readonly number[],
  labels?: ArrayLike<number>,
): Promise<BagInfo[] | undefined> {
  if (!existsSync(path)) return undefined;
  const rows = parseTable(await readFile(path, 'utf8'), path);
  if (rows.length !== sizes.length || (rows.length > 0 && rows[0]?.bag_id === undefined)) {
    throw new MhimError(`lists ${rows.length} bags, the store has ${sizes.length}.`, {
      code: 'file-format',
      path,
      hint: 'It needs a column bag_id and one row a bag, in the store’s order.',
    });
  }
  return rows.map((row, i) => {
    const { bag_id: id = '', case_id: caseId, time, event, split } = row;
    if (id === '') throw invalid(path, i, 'has no bag_id');
    if (row.n_instances && Number(row.n_instances) !== sizes[i])
      throw invalid(path, i, `gives "${id}" ${row.n_instances} instances, bags.safetensors ${sizes[i]}`);
    if (row.label && labels && Number(row.label) !== labels[i])
      throw invalid(path, i, `gives "${id}" the label ${row.label}, bags.safetensors ${labels[i]}`);
    const label = Number(row.label);
    if (row.label && !isClassNumber(label)) throw invalid(path, i, `has the label "${row.label}"`);
    if (Boolean(time) !== Boolean(event) || (time && !(Number(time) >= 0)) || (event && !/^[01]$/.test(event)))
      throw invalid(path, i, `has the time "${time}" and the event "${event}"`);
    return {
      id,
      ...(row.label && { label }),
      ...(caseId && { caseId }),
      ...(time && event && { time: Number(time), event: event === '1' ? 1 : 0 }),
      ...(split && { split }),
    };
  });
}

function parseTable(text: string, path: string): Record<string, string>[] {
  try {
    return parse(text, { columns: true, skip_empty_lines: true, bom: true });
  } catch (cause) {
    throw new MhimError(`is no valid CSV (${(cause as Error).message}).`, {
      code: 'file-format',
      path,
      hint: 'Convert the store again.',
      cause,
    });
  }
}

function invalid(path: string, row: number, what: string): MhimError {
  return new MhimError(`row ${row + 1} ${what}.`, {
    code: 'file-format',
    path,
    hint: 'Convert the store again; other labels are given by a label table.',
  });
}

/**
 * The checksum in `index.json`, unless the file may have been touched after it: clocks of file systems are coarse, so only a
 * file that is older by a tick is surely the one that was indexed.
 */
export async function knownSha256(path: string): Promise<string | undefined> {
  if (basename(path) !== 'bags.safetensors') return undefined;
  const index = await readIndex(dirname(path));
  if (!index) return undefined;
  const [file, description] = await Promise.all([stat(path), stat(join(dirname(path), 'index.json'))]);
  return file.mtimeMs < description.mtimeMs ? index.sha256 : undefined;
}

/** SHA-256 of a file, or of its bytes [first, last). */
export async function sha256OfFile(path: string, [first, last] = [0, Infinity]): Promise<string> {
  const hash = createHash('sha256');
  if (last > first)
    await pipeline(createReadStream(path, { start: first, end: last - 1, highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
