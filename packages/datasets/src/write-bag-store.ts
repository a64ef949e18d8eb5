import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import {
  encodeElements,
  makeFolder,
  MhimError,
  safetensorsHeader,
  writeFileAtomic,
  type HostDtype,
  type HostTensor,
} from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import type { BagSource } from './bag-source.js';
import { sha256OfFile, type BagStoreIndex } from './bag-store-files.js';
import { joined } from './case-bags.js';
import { checkBag } from './check-bag.js';
import { HEADER_BYTES, requireOutside, requireOwnStore, STORE_COLUMNS } from './own-folder.js';

export interface WriteBagStoreOptions {
  /** float16 halves the file and keeps three to four digits. Default float32. */
  dtype?: 'float32' | 'float16';
  /** Called after every bag. */
  onBag?: (done: number, total: number) => void;
}

/**
 * Writes a source as a bag store, bag by bag, so that it need not fit in memory: `bags.safetensors`, `bags.csv` and
 * `index.json` with a checksum. The files appear when they are complete, and take the place of an earlier store, but of nothing else.
 * @throws MhimError `config` where the folder holds the source, or files of others under these names
 */
export async function writeBagStore(
  folder: string,
  source: BagSource,
  { dtype = 'float32', onBag }: WriteBagStoreOptions = {},
): Promise<BagStoreIndex> {
  requireOutside(source, folder);
  await requireOwnStore(folder);
  makeFolder(folder);
  const path = join(folder, 'bags.safetensors');
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  let written: Written;
  try {
    written = await writeBags(file, source, dtype, onBag);
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await file.close();
  const { rows, hashes, coordsUnit } = written;
  const index: BagStoreIndex = {
    format: 'mhim-bag-store',
    version: 1,
    name: source.name,
    bags: rows.length,
    instances: rows.reduce((sum, { n_instances: n }) => sum + n, 0),
    width: source.width,
    dtype: dtype === 'float16' ? 'F16' : 'F32',
    sha256: await sha256OfFile(temporary),
    ...(source.simulated && { simulated: true }),
    ...(coordsUnit && { coordsUnit }),
    bagSha256: hashes,
  };
  // What describes an older store goes first: names of other bags beside these would be worse than none.
  for (const name of ['index.json', 'bags.csv']) await rm(join(folder, name), { force: true });
  await rename(temporary, path);
  writeFileAtomic(join(folder, 'bags.csv'), bagTable(rows));
  writeFileAtomic(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
  return index;
}

interface BagRow {
  bag_id: string;
  case_id: string;
  label: number | '';
  offset: number;
  n_instances: number;
  time?: number;
  event?: 0 | 1;
  split?: string;
}

interface Written {
  rows: BagRow[];
  /** SHA-256 of every bag's features. */
  hashes: string[];
  coordsUnit?: 'um';
}

async function writeBags(
  file: FileHandle,
  source: BagSource,
  dtype: WriteBagStoreOptions['dtype'],
  onBag?: (done: number, total: number) => void,
): Promise<Written> {
  const rows: BagRow[] = [];
  const hashes: string[] = [];
  let coordsUnit: Bag['coordsUnit'];
  const perInstance: PerInstance = { coords: [], instanceLabels: [] };
  let instances = 0;
  let at = HEADER_BYTES;
  for (const [i, info] of source.bags.entries()) {
    const bag = checkBag(await source.read(i), { path: source.path ?? source.name, width: source.width });
    const bytes = encodeElements(info.id, featuresOf(bag, dtype));
    await writeAll(file, bytes, at);
    hashes.push(createHash('sha256').update(bytes).digest('hex'));
    if (i === 0) ({ coordsUnit } = bag);
    else if (bag.coordsUnit !== coordsUnit) throw differing(source, bag.id, 'coordinates of one unit');
    at += bytes.length;
    rows.push(rowOf(info, bag, instances));
    instances += bag.instances;
    keep(perInstance, bag, i, source);
    onBag?.(i + 1, source.bags.length);
  }
  const small = smallTensors(rows, perInstance, instances);
  for (const [name, tensor] of small) {
    const bytes = encodeElements(name, tensor);
    await writeAll(file, bytes, at);
    at += bytes.length;
  }
  const layout: [string, { dtype: HostDtype; shape: number[] }][] = [
    ['features', { dtype: dtype === 'float16' ? 'F16' : 'F32', shape: [instances, source.width] }],
    ...small,
  ];
  await writeAll(file, paddedHeader(layout), 0);
  return { rows, hashes, coordsUnit };
}

function rowOf({ id, caseId = id, label, time, event, split }: BagInfo, { instances }: Bag, offset: number): BagRow {
  return { bag_id: id, case_id: caseId, label: label ?? '', offset, n_instances: instances, time, event, split };
}

/** With the columns that any bag has a value for. */
function bagTable(rows: readonly BagRow[]): string {
  const optional = (['time', 'event', 'split'] as const).filter((name) => rows.some((row) => row[name] !== undefined));
  return stringify([...rows], {
    header: true,
    columns: [...STORE_COLUMNS, ...optional],
  });
}

interface PerInstance {
  coords: Float32Array[];
  instanceLabels: Int32Array[];
}

/** Coordinates and instance labels are few bytes an instance; all bags have them or none. */
function keep(kept: PerInstance, bag: Bag, i: number, source: BagSource): void {
  const add = <T>(list: T[], value: T | undefined, what: string) => {
    if (value !== undefined && list.length === i) list.push(value);
    else if (value !== undefined || list.length > 0) throw differing(source, bag.id, what);
  };
  add(kept.coords, bag.coords, 'coordinates');
  add(kept.instanceLabels, bag.instanceLabels, 'instance labels');
}

function differing(source: BagSource, id: string, what: string): MhimError {
  return new MhimError(`some bags have ${what} and bag "${id}" differs.`, {
    code: 'data',
    path: source.path,
    hint: 'A store needs them of all bags or of none.',
  });
}

/**
 * A bag's features as they are written.
 * @throws MhimError `data` for values that float16 cannot hold
 */
export function featuresOf(
  { id, features, instances, width }: Bag,
  dtype: WriteBagStoreOptions['dtype'],
): HostTensor & { data: Float32Array } {
  // 65,520 and more round to infinity.
  const at = dtype === 'float16' ? features.findIndex((value) => Math.abs(value) >= 65_520) : -1;
  if (at >= 0) {
    throw new MhimError(`bag "${id}": the value ${features[at]} is beyond float16, whose largest is 65,504.`, {
      code: 'data',
      hint: 'Write float32.',
    });
  }
  return { dtype: dtype === 'float16' ? 'F16' : 'F32', shape: [instances, width], data: features };
}

function smallTensors(
  rows: BagRow[],
  { coords, instanceLabels }: PerInstance,
  instances: number,
): [string, HostTensor][] {
  const offsets = BigInt64Array.from([...rows.map(({ offset }) => offset), instances], BigInt);
  const labels = BigInt64Array.from(rows, ({ label }) => BigInt(label === '' ? -1 : label));
  const list: [string, HostTensor][] = [
    ['offsets', { dtype: 'I64', shape: [offsets.length], data: offsets }],
    ['labels', { dtype: 'I64', shape: [labels.length], data: labels }],
  ];
  if (coords.length > 0)
    list.push(['xy', { dtype: 'F32', shape: [instances, 2], data: joined(coords, new Float32Array(2 * instances)) }]);
  if (instanceLabels.length > 0) {
    const data = joined(instanceLabels, new Int32Array(instances));
    list.push(['instance_labels', { dtype: 'I32', shape: [instances], data }]);
  }
  return list;
}

/** JSON may end in blanks, so the header fills exactly the room it was given. */
function paddedHeader(layout: Parameters<typeof safetensorsHeader>[0]): Uint8Array {
  const header = Buffer.from(safetensorsHeader(layout));
  const padded = Buffer.alloc(HEADER_BYTES, ' ');
  header.copy(padded);
  padded.writeBigUInt64LE(BigInt(HEADER_BYTES - 8));
  return padded;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, 2 ** 30), position + done);
    done += bytesWritten;
  }
}
