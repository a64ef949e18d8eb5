import { basename } from 'node:path';
import {
  isHostTensor,
  MhimError,
  openForReading,
  readExactly,
  readTorchFile,
  SafetensorsFile,
  toInt32,
  type HostTensor,
  type TorchValue,
} from '@mhim/tensor';
import type { Bag } from '../bag.js';
import { checkBag } from '../check-bag.js';
import { featureFile, type FeatureFile } from './features.js';
import { holdsH5Coords, readH5Features } from './h5.js';
import { readNpy } from './npy.js';

/** Extensions of feature files. */
export const BAG_EXTENSIONS = ['.pt', '.pth', '.safetensors', '.npy', '.h5', '.hdf5'] as const;

export interface ReadBagFileOptions {
  /** Width that the features must have. */
  expectedWidth?: number;
  /** The bag that has this width, for the message. */
  widthOf?: string;
}

const COORDS_NAMES = ['coords', 'xy'];

/**
 * Reads one bag from a feature file; the format is told by the file's first bytes, not by its name.
 * @throws MhimError naming file and remedy for a truncated, empty, foreign or non-finite file
 */
export async function readBagFile(
  path: string,
  { expectedWidth: width, widthOf }: ReadBagFileOptions = {},
): Promise<Bag> {
  const bag: Bag = { id: bagId(path), ...(await readFeatures(path)) };
  return checkBag(bag, { path, width, widthOf });
}

/** The name of a bag file without folder and extension. */
export function bagId(path: string): string {
  const name = basename(path);
  const extension = BAG_EXTENSIONS.find((candidate) => name.toLowerCase().endsWith(candidate));
  return extension ? name.slice(0, -extension.length) : name;
}

async function readFeatures(path: string): Promise<FeatureFile> {
  switch (await formatOf(path)) {
    case 'torch':
      return fromTorch(path, await readTorchFile(path));
    case 'npy':
      return featureFile(path, await readNpy(path));
    case 'h5':
      return readH5Features(path);
    case 'safetensors':
      return fromSafetensors(path);
  }
}

/**
 * Whether a file's format and names of its tensors say that it brings coordinates itself. Of a `.pt` only reading it all would tell; as
 * a rule it holds features alone.
 */
export async function bringsCoords(path: string): Promise<boolean> {
  const format = await formatOf(path);
  if (format === 'h5') return holdsH5Coords(path);
  if (format !== 'safetensors') return false;
  const file = await SafetensorsFile.open(path);
  try {
    return COORDS_NAMES.some((name) => file.entries.has(name));
  } finally {
    await file.close();
  }
}

async function formatOf(path: string): Promise<'torch' | 'npy' | 'h5' | 'safetensors'> {
  const handle = await openForReading(path);
  let start: Buffer;
  try {
    const { size } = await handle.stat();
    start = Buffer.from(await readExactly(handle, 0, Math.min(9, size), path));
  } finally {
    await handle.close();
  }
  if (start.toString('latin1', 0, 2) === 'PK' || start[0] === 0x80) return 'torch';
  if (start.toString('latin1', 0, 6) === '\x93NUMPY') return 'npy';
  if (start.toString('latin1', 1, 4) === 'HDF') return 'h5';
  if (start[8] === 0x7b) return 'safetensors';
  // Unknown bytes: the name says which reader is to explain what is wrong.
  if (/\.(h5|hdf5)$/i.test(path)) return 'h5';
  if (/\.npy$/i.test(path)) return 'npy';
  if (/\.pth?$/i.test(path)) return 'torch';
  if (/\.safetensors$/i.test(path)) return 'safetensors';
  throw new MhimError('is no feature file that we know.', {
    code: 'file-format',
    path,
    hint: `Expected one of ${BAG_EXTENSIONS.join(', ')}.`,
  });
}

async function fromSafetensors(path: string): Promise<FeatureFile> {
  const file = await SafetensorsFile.open(path);
  try {
    const coords = COORDS_NAMES.find((name) => file.entries.has(name));
    const content = featureFile(path, await file.read('features'), coords ? await file.read(coords) : undefined);
    if (file.entries.has('instance_labels')) content.instanceLabels = toInt32(await file.read('instance_labels'), path);
    return content;
  } finally {
    await file.close();
  }
}

/** A `.pt` file holds the tensor itself, or a dictionary with `features` (and `coords`). */
function fromTorch(path: string, value: TorchValue): FeatureFile {
  if (isHostTensor(value)) return featureFile(path, value);
  if (value instanceof Map) {
    const tensor = (names: readonly string[]): HostTensor | undefined =>
      names.map((name) => value.get(name)).find((item): item is HostTensor => isHostTensor(item));
    const features = tensor(['features', 'feats', 'x']);
    if (features) return featureFile(path, features, tensor(COORDS_NAMES));
  }
  throw new MhimError('holds no feature tensor.', {
    code: 'file-format',
    path,
    hint: 'Expected a tensor [instances, width], or a dictionary with "features".',
  });
}
