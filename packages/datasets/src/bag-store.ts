import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MhimError, SafetensorsFile, sizeOf, toFloat32, toInt32, type HostTensor } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { checkUnique, identityOf } from './bag-identity.js';
import { classCount, type BagSource } from './bag-source.js';
import { knownSha256, readBagTable, readIndex, sha256OfFile } from './bag-store-files.js';
import { checkBag, checkInstances } from './check-bag.js';
import { isClassNumber } from './class-number.js';
import { SharedTables } from './shared-tables.js';

export interface BagStoreOptions {
  /** A table whose rows bags share stays in memory up to this many bytes. Default 1 GiB. */
  tableBudget?: number;
}

/**
 * Opens a bag store: `bags.safetensors` with `features` [Σn, d], `offsets` [bags+1], `labels`, optional `xy`,
 * `instance_labels` and `index` (rows of one table that bags may share), and `bags.csv` with the names.
 * @param path the folder, or the safetensors file
 * @throws MhimError `file-format` when its parts contradict each other
 */
export async function openBagStore(path: string, { tableBudget = 2 ** 30 }: BagStoreOptions = {}): Promise<BagSource> {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'bags.safetensors') : path;
  const tensors = await SafetensorsFile.open(file);
  try {
    return await BagStore.open(file, tensors, tableBudget);
  } catch (error) {
    await tensors.close();
    throw error;
  }
}

class BagStore implements BagSource {
  private constructor(
    readonly name: string,
    readonly path: string,
    readonly width: number,
    readonly simulated: boolean,
    readonly bags: readonly BagInfo[],
    private readonly coordsUnit: 'um' | undefined,
    private readonly offsets: Int32Array,
    private readonly tensors: SafetensorsFile,
    /** Rows of the tables, where bags share them. */
    private readonly index: Int32Array | undefined,
    private readonly tables: SharedTables,
  ) {}

  get classes(): number {
    return classCount(this.bags);
  }

  static async open(path: string, tensors: SafetensorsFile, tableBudget: number): Promise<BagStore> {
    const [rows, width] = checkShapes(tensors, path);
    const offsets = toInt32(await tensors.read('offsets'), path);
    const labels = tensors.entries.has('labels') ? toInt32(await tensors.read('labels'), path) : undefined;
    const index = tensors.entries.has('index') ? await readRows(tensors, rows, path) : undefined;
    checkOffsets(offsets, index?.length ?? rows, path);
    if (labels && labels.length !== offsets.length - 1) {
      throw new MhimError(`${labels.length} labels for ${offsets.length - 1} bags.`, { code: 'file-format', path });
    }
    const odd = labels?.findIndex((label) => label >= 0 && !isClassNumber(label)) ?? -1;
    if (odd >= 0) {
      throw new MhimError(`bag ${odd} has the label ${labels?.[odd]}, which is no number of a class.`, {
        code: 'file-format',
        path,
        hint: 'Number the classes 0, 1, 2 … and write the store again.',
      });
    }
    const sizes = Array.from(offsets.subarray(1), (end, i) => end - (offsets[i] as number));
    const table = join(dirname(path), 'bags.csv');
    const described = await readBagTable(table, sizes, labels);
    const bags = sizes.map((instances, i): BagInfo => {
      const label = labels && (labels[i] as number) >= 0 ? labels[i] : undefined;
      return { id: String(i), label, ...described?.[i], instances };
    });
    checkUnique(bags, described ? table : path);
    const about = await readIndex(dirname(path));
    const file = basename(path, '.safetensors');
    return new BagStore(
      about?.name ?? (file === 'bags' ? basename(dirname(path)) : file),
      path,
      width,
      about?.simulated ?? false,
      bags,
      about?.coordsUnit,
      offsets,
      tensors,
      index,
      new SharedTables(tensors, tableBudget),
    );
  }

  async read(at: number): Promise<Bag> {
    const info = this.bags[at];
    if (!info) throw new MhimError(`there is no bag ${at}.`, { code: 'data', path: this.path });
    const rows: [number, number] = [this.offsets[at] as number, this.offsets[at + 1] as number];
    const instances = rows[1] - rows[0];
    checkInstances(info.id, instances, this.path);
    const coords = await this.rows(['xy', 'coords'], rows);
    const labels = await this.rows(['instance_labels'], rows);
    const bag: Bag = {
      id: info.id,
      label: info.label,
      instances,
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
    return this.tables.rows(name, this.index.subarray(first, last));
  }
}

/** @returns rows and width of the features */
function checkShapes(tensors: SafetensorsFile, path: string): [number, number] {
  const { shape } = tensors.entry('features');
  if (shape.length !== 2) throw misshapen(path, 'features', shape, '[instances, width]');
  const [rows, width] = shape as [number, number];
  for (const [name, columns] of [
    ['xy', 2],
    ['coords', 2],
    ['instance_labels', 1],
  ] as const) {
    const found = tensors.entries.get(name)?.shape;
    if (found && (found[0] !== rows || sizeOf(found) !== rows * columns))
      throw misshapen(path, name, found, columns === 1 ? `[${rows}]` : `[${rows}, ${columns}]`);
  }
  return [rows, width];
}

function misshapen(path: string, name: string, shape: readonly number[], expected: string): MhimError {
  return new MhimError(`"${name}" has shape [${shape}], expected ${expected}.`, {
    code: 'file-format',
    path,
    hint: 'Write the store again.',
  });
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
