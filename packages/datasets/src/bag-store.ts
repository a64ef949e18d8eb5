import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse/sync';
import { MhimError, SafetensorsFile, toFloat32, toInt32 } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { classCount, type BagSource } from './bag-source.js';
import { checkBag } from './check-bag.js';

/** Tables up to this size stay in memory; larger ones are read bag by bag. */
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
 * Checks the whole file against the checksum in `index.json`.
 * @throws MhimError `file-format` when it differs; false when the store has no index
 */
export async function verifyBagStore(folder: string): Promise<boolean> {
  const index = await readIndex(folder);
  if (!index) return false;
  const path = join(folder, 'bags.safetensors');
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  if (hash.digest('hex') === index.sha256) return true;
  throw new MhimError('its checksum differs from index.json.', {
    code: 'file-format',
    path,
    hint: 'The file was changed or damaged; copy or convert it again.',
  });
}

class BagStore implements BagSource {
  private table?: Promise<Float32Array>;
  private index?: Int32Array;

  private constructor(
    readonly name: string,
    readonly path: string,
    readonly width: number,
    readonly simulated: boolean,
    readonly bags: readonly BagInfo[],
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
      id: names?.[i]?.id ?? String(i),
      caseId: names?.[i]?.caseId,
      label: labels && (labels[i] as number) >= 0 ? labels[i] : undefined,
      instances: (offsets[i + 1] as number) - (offsets[i] as number),
    }));
    checkUnique(bags, path);
    const name =
      described?.name ??
      (basename(path) === 'bags.safetensors' ? basename(dirname(path)) : basename(path, '.safetensors'));
    const store = new BagStore(name, path, width, described?.simulated ?? false, bags, offsets, tensors);
    if (tensors.entries.has('index')) store.index = await readRows(tensors, rows, path);
    return store;
  }

  async read(at: number): Promise<Bag> {
    const info = this.bags[at];
    if (!info) throw new MhimError(`there is no bag ${at}.`, { code: 'data', path: this.path });
    const rows: [number, number] = [this.offsets[at] as number, this.offsets[at + 1] as number];
    const bag: Bag = {
      id: info.id,
      label: info.label,
      instances: rows[1] - rows[0],
      width: this.width,
      features: await this.features(rows),
      coords: await this.optional(['xy', 'coords'], rows, toFloat32),
      instanceLabels: await this.optional(['instance_labels'], rows, (tensor) => toInt32(tensor, this.path)),
    };
    return checkBag(bag, { path: this.path });
  }

  async fingerprint(): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(this.path), hash, { end: false });
    for (const { id, caseId = '', label = '' } of this.bags) hash.update(`${id}\0${caseId}\0${label}\n`);
    return hash.digest('hex');
  }

  async close(): Promise<void> {
    await this.tensors.close();
  }

  private async features(rows: [number, number]): Promise<Float32Array> {
    if (!this.index && this.tableBytes() > TABLE_BUDGET) return toFloat32(await this.tensors.read('features', rows));
    this.table ??= this.tensors.read('features').then(toFloat32);
    const table = await this.table;
    const { width } = this;
    if (!this.index) return table.slice(rows[0] * width, rows[1] * width);
    const result = new Float32Array((rows[1] - rows[0]) * width);
    this.index
      .subarray(...rows)
      .forEach((row, i) => result.set(table.subarray(row * width, (row + 1) * width), i * width));
    return result;
  }

  /** A per-instance tensor of the bag, by the rows of the table when bags share them. */
  private async optional<T extends Float32Array | Int32Array>(
    names: string[],
    rows: [number, number],
    convert: (tensor: Awaited<ReturnType<SafetensorsFile['read']>>) => T,
  ): Promise<T | undefined> {
    const name = names.find((candidate) => this.tensors.entries.has(candidate));
    if (!name) return undefined;
    if (!this.index) return convert(await this.tensors.read(name, rows));
    const tensor = await this.tensors.read(name);
    const [all, columns] = [convert(tensor), tensor.shape[1] ?? 1];
    const result = all.slice(0, (rows[1] - rows[0]) * columns) as T;
    this.index.subarray(...rows).forEach((row, i) => {
      for (let c = 0; c < columns; c++) result[i * columns + c] = all[row * columns + c] as number;
    });
    return result;
  }

  private tableBytes(): number {
    const { begin, end } = this.tensors.entry('features');
    return end - begin;
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

async function readNames(path: string, bags: number): Promise<{ id: string; caseId?: string }[] | undefined> {
  if (!existsSync(path)) return undefined;
  const rows = parse(await readFile(path, 'utf8'), { columns: true, skip_empty_lines: true }) as Record<
    string,
    string
  >[];
  if (rows.length !== bags || rows[0]?.bag_id === undefined) {
    throw new MhimError(`lists ${rows.length} bags, the store has ${bags}.`, {
      code: 'file-format',
      path,
      hint: 'It needs a column bag_id and one row a bag, in the store’s order.',
    });
  }
  return rows.map(({ bag_id: id = '', case_id: caseId }) => ({ id, caseId: caseId || undefined }));
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
