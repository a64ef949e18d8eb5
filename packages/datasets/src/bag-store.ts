import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse/sync';
import { elementBytes, MhimError, SafetensorsFile, toFloat32, toInt32, type HostTensor } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { classCount, type BagSource } from './bag-source.js';
import { checkBag } from './check-bag.js';

/** A table whose rows bags share stays in memory up to this size; of a larger one the bag's rows are read each time. */
const TABLE_BUDGET = 2 ** 30;

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

/**
 * Opens a bag store: `bags.safetensors` with `features` [Σn, d], `offsets` [bags+1], `labels`, optional `xy`,
 * `instance_labels` and `index` (rows of one table that bags may share), and `bags.csv` with the names.
 * @param path the folder, or the safetensors file
 * @throws MhimError `file-format` when its parts contradict each other
 */
export async function openBagStore(path: string): Promise<BagSource> {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'bags.safetensors') : path;
  const tensors = await SafetensorsFile.open(file);
  try {
    return await BagStore.open(file, tensors);
  } catch (error) {
    await tensors.close();
    throw error;
  }
}

/**
 * Checks the whole file against the checksums in `index.json`.
 * @returns false when the store has no index to check against
 * @throws MhimError `file-format` naming the bags whose features differ
 */
export async function verifyBagStore(folder: string): Promise<boolean> {
  const index = await readIndex(folder);
  if (!index) return false;
  const path = join(folder, 'bags.safetensors');
  if ((await sha256OfFile(path)) === index.sha256) return true;
  const damaged = await damagedBags(path, index.bagSha256 ?? []).catch(() => []);
  const which = damaged.length > 0 ? ` Differing bags: ${damaged.slice(0, 5).join(', ')}.` : '';
  throw new MhimError(`its checksum differs from index.json.${which}`, {
    code: 'file-format',
    path,
    hint: 'The file was changed or damaged; copy or convert it again.',
  });
}

class BagStore implements BagSource {
  private readonly tables = new Map<string, Promise<HostTensor>>();
  private index?: Int32Array;

  private constructor(
    readonly name: string,
    readonly path: string,
    readonly width: number,
    readonly simulated: boolean,
    readonly bags: readonly BagInfo[],
    private readonly coordsUnit: 'um' | undefined,
    private readonly offsets: Int32Array,
    private readonly tensors: SafetensorsFile,
  ) {}

  get classes(): number {
    return classCount(this.bags);
  }

  static async open(path: string, tensors: SafetensorsFile): Promise<BagStore> {
    const features = tensors.entry('features');
    if (features.shape.length !== 2) {
      throw new MhimError(`features have shape [${features.shape}], expected [instances, width].`, {
        code: 'file-format',
        path,
      });
    }
    const [rows, width] = features.shape as [number, number];
    const offsets = toInt32(await tensors.read('offsets'), path);
    const labels = tensors.entries.has('labels') ? toInt32(await tensors.read('labels'), path) : undefined;
    const places = tensors.entries.has('index') ? (tensors.entry('index').shape[0] as number) : rows;
    checkOffsets(offsets, places, path);
    if (labels && labels.length !== offsets.length - 1) {
      throw new MhimError(`${labels.length} labels for ${offsets.length - 1} bags.`, { code: 'file-format', path });
    }
    const names = await readNames(join(dirname(path), 'bags.csv'), offsets.length - 1);
    const described = await readIndex(dirname(path));
    const bags = Array.from({ length: offsets.length - 1 }, (_, i): BagInfo => ({
      id: String(i),
      ...names?.[i],
      label: labels && (labels[i] as number) >= 0 ? labels[i] : undefined,
      instances: (offsets[i + 1] as number) - (offsets[i] as number),
    }));
    checkUnique(bags, path);
    const name =
      described?.name ??
      (basename(path) === 'bags.safetensors' ? basename(dirname(path)) : basename(path, '.safetensors'));
    const store = new BagStore(
      name,
      path,
      width,
      described?.simulated ?? false,
      bags,
      described?.coordsUnit,
      offsets,
      tensors,
    );
    if (tensors.entries.has('index')) store.index = await readRows(tensors, rows, path);
    return store;
  }

  async read(at: number): Promise<Bag> {
    const info = this.bags[at];
    if (!info) throw new MhimError(`there is no bag ${at}.`, { code: 'data', path: this.path });
    const rows: [number, number] = [this.offsets[at] as number, this.offsets[at + 1] as number];
    const coords = await this.rows(['xy', 'coords'], rows);
    const labels = await this.rows(['instance_labels'], rows);
    const bag: Bag = {
      id: info.id,
      label: info.label,
      instances: rows[1] - rows[0],
      width: this.width,
      features: toFloat32((await this.rows(['features'], rows)) as HostTensor),
      coords: coords && toFloat32(coords),
      ...(coords && this.coordsUnit && { coordsUnit: this.coordsUnit }),
      instanceLabels: labels && toInt32(labels, this.path),
    };
    return checkBag(bag, { path: this.path });
  }

  /** Of the file's content (its checksum when an index of ours knows it) and the bags' names and labels. */
  async fingerprint(): Promise<string> {
    const hash = createHash('sha256').update((await knownSha256(this.path)) ?? (await sha256OfFile(this.path)));
    for (const bag of this.bags) hash.update(identityOf(bag));
    return hash.digest('hex');
  }

  async close(): Promise<void> {
    await this.tensors.close();
  }

  /** Rows of a per-instance tensor: one piece of the file, or gathered from a table that bags share. */
  private async rows(names: string[], [first, last]: [number, number]): Promise<HostTensor | undefined> {
    const name = names.find((candidate) => this.tensors.entries.has(candidate));
    if (!name) return undefined;
    if (!this.index) return this.tensors.read(name, [first, last]);
    const rows = this.index.subarray(first, last);
    const { begin, end } = this.tensors.entry(name);
    if (end - begin > TABLE_BUDGET) return gather(rows, await this.pieces(name, rows));
    if (!this.tables.has(name)) this.tables.set(name, this.tensors.read(name));
    const table = await (this.tables.get(name) as Promise<HostTensor>);
    return gather(rows, new Map([[0, table]]));
  }

  /** The needed rows, neighbours in one read; by their first row. */
  private async pieces(name: string, rows: Int32Array): Promise<Map<number, HostTensor>> {
    const pieces = new Map<number, HostTensor>();
    const sorted = Int32Array.from(new Set(rows)).sort();
    for (let i = 0; i < sorted.length;) {
      const first = sorted[i] as number;
      let next = i + 1;
      while (sorted[next] === (sorted[next - 1] as number) + 1) next++;
      pieces.set(first, await this.tensors.read(name, [first, first + next - i]));
      i = next;
    }
    return pieces;
  }
}

/** The given rows of a table that is there in pieces. */
function gather(rows: Int32Array, pieces: ReadonlyMap<number, HostTensor>): HostTensor {
  const starts = Int32Array.from(pieces.keys()).sort();
  const [{ dtype, shape, data }] = pieces.values() as unknown as [HostTensor];
  const columns = shape[1] ?? 1;
  const result = new (data.constructor as new (length: number) => Float32Array)(rows.length * columns);
  rows.forEach((row, i) => {
    const start = starts[lastAtMost(starts, row)] as number;
    const piece = (pieces.get(start) as HostTensor).data as Float32Array;
    const from = (row - start) * columns;
    result.set(piece.subarray(from, from + columns), i * columns);
  });
  return { dtype, shape: [rows.length, ...shape.slice(1)], data: result };
}

/** Place of the last of the sorted values that is ≤ `value`. */
function lastAtMost(sorted: Int32Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What of a bag decides a run. */
export function identityOf({ id, caseId, label, time, event, split }: BagInfo): string {
  return `${[id, caseId, label, time, event, split].map((value) => value ?? '').join('\0')}\n`;
}

/** The checksum in `index.json`, unless the file was touched after it. */
async function knownSha256(path: string): Promise<string | undefined> {
  if (basename(path) !== 'bags.safetensors') return undefined;
  const index = await readIndex(dirname(path));
  if (!index) return undefined;
  const [file, description] = await Promise.all([stat(path), stat(join(dirname(path), 'index.json'))]);
  return file.mtimeMs <= description.mtimeMs ? index.sha256 : undefined;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

async function damagedBags(path: string, expected: readonly string[]): Promise<string[]> {
  const store = await openBagStore(path);
  const tensors = await SafetensorsFile.open(path);
  try {
    const { dtype, begin, shape } = tensors.entry('features');
    const rowBytes = elementBytes[dtype] * (shape[1] as number);
    const damaged: string[] = [];
    let at = begin;
    for (const [i, { id, instances = 0 }] of store.bags.entries()) {
      const hash = createHash('sha256');
      const end = at + instances * rowBytes;
      if (end > at) await pipeline(createReadStream(path, { start: at, end: end - 1 }), hash);
      if (hash.digest('hex') !== expected[i]) damaged.push(id);
      at = end;
    }
    return damaged;
  } finally {
    await tensors.close();
    await store.close();
  }
}

async function readRows(tensors: SafetensorsFile, rows: number, path: string): Promise<Int32Array> {
  const index = toInt32(await tensors.read('index'), path);
  const outside = index.find((row) => row < 0 || row >= rows);
  if (outside === undefined) return index;
  throw new MhimError(`its index names row ${outside} of ${rows}.`, { code: 'file-format', path });
}

function checkOffsets(offsets: Int32Array, places: number, path: string): void {
  const valid =
    offsets.length >= 1 &&
    offsets[0] === 0 &&
    offsets.at(-1) === places &&
    offsets.every((offset, i) => i === 0 || offset >= (offsets[i - 1] as number));
  if (valid) return;
  throw new MhimError(`its offsets do not run from 0 to ${places} in order.`, {
    code: 'file-format',
    path,
    hint: 'Write the store again.',
  });
}

async function readNames(path: string, bags: number): Promise<BagInfo[] | undefined> {
  if (!existsSync(path)) return undefined;
  let rows: Record<string, string>[];
  try {
    rows = parse(await readFile(path, 'utf8'), { columns: true, skip_empty_lines: true, bom: true });
  } catch (cause) {
    throw new MhimError(`is no valid CSV (${(cause as Error).message}).`, {
      code: 'file-format',
      path,
      hint: 'Convert the store again.',
      cause,
    });
  }
  if (rows.length !== bags || rows[0]?.bag_id === undefined) {
    throw new MhimError(`lists ${rows.length} bags, the store has ${bags}.`, {
      code: 'file-format',
      path,
      hint: 'It needs a column bag_id and one row a bag, in the store’s order.',
    });
  }
  return rows.map(({ bag_id: id = '', case_id: caseId, time, event, split }) => ({
    id,
    ...(caseId && { caseId }),
    ...(time && event && { time: Number(time), event: event === '1' ? 1 : 0 }),
    ...(split && { split }),
  }));
}

async function readIndex(folder: string): Promise<BagStoreIndex | undefined> {
  const path = join(folder, 'index.json');
  if (!existsSync(path)) return undefined;
  try {
    const index = JSON.parse(await readFile(path, 'utf8')) as BagStoreIndex;
    return index.format === 'mhim-bag-store' ? index : undefined;
  } catch (cause) {
    throw new MhimError('is no valid JSON.', {
      code: 'file-format',
      path,
      cause,
      hint: 'Delete it or convert the store again.',
    });
  }
}

/** @throws MhimError `data` naming the bags that occur twice */
export function checkUnique(bags: readonly BagInfo[], path?: string): void {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { id } of bags) (seen.has(id) ? twice : seen).add(id);
  if (twice.size === 0) return;
  throw new MhimError(`${twice.size} bag ids occur more than once: ${[...twice].slice(0, 5).join(', ')}.`, {
    code: 'data',
    path,
    hint: 'Give every bag its own id.',
  });
}
