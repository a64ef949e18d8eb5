import { MhimError, writeSafetensors, writeTorchFile, type HostTensor } from '@mhim/tensor';
import type { Bag } from '../bag.js';
import { featuresOf, type WriteBagStoreOptions } from '../write-bag-store.js';
import { writeH5 } from './h5-sandbox.js';
import { writeNpy } from './npy.js';

export type BagFileFormat = 'safetensors' | 'pt' | 'npy' | 'h5';

/**
 * Writes one bag as a feature file, atomically: `.safetensors`; `.pt`, the plain tensor that CLAM and MHIM-MIL read; `.npy`;
 * `.h5` as CLAM and TRIDENT write it. Coordinates and instance labels go along except in `.pt` and `.npy`.
 * @param notes what else the file shall say, such as the encoder: attributes of h5's `features`, metadata of safetensors; `.pt` and
 * `.npy` have no place for them
 * @throws MhimError `data` for values beyond float16, `config` for h5 in float16
 */
export async function writeBagFile(
  path: string,
  bag: Bag,
  format: BagFileFormat,
  dtype: WriteBagStoreOptions['dtype'] = 'float32',
  notes: Readonly<Record<string, string>> = {},
): Promise<void> {
  checkBagFormat(format, dtype);
  const features = featuresOf(bag, dtype);
  if (format === 'safetensors') writeSafetensors(path, tensorsOf(bag, features), notes);
  else if (format === 'npy') writeNpy(path, features);
  else if (format === 'pt') writeTorchFile(path, features);
  else await writeH5Bag(path, bag, notes);
}

/** @throws MhimError `config` for h5 in float16, which the HDF5 library in use cannot write */
export function checkBagFormat(format: string, dtype: WriteBagStoreOptions['dtype']): void {
  if (format !== 'h5' || dtype !== 'float16') return;
  throw new MhimError('HDF5 files are written in float32 only.', {
    code: 'config',
    path: 'dtype',
    hint: 'Write safetensors or pt, which hold float16; or float32.',
  });
}

function tensorsOf(bag: Bag, features: HostTensor): [string, HostTensor][] {
  const list: [string, HostTensor][] = [['features', features]];
  if (bag.coords) list.push(['coords', { dtype: 'F32', shape: [bag.instances, 2], data: bag.coords }]);
  if (bag.instanceLabels)
    list.push(['instance_labels', { dtype: 'I32', shape: [bag.instances], data: bag.instanceLabels }]);
  return list;
}

function writeH5Bag(
  path: string,
  { features, coords, instanceLabels, instances, width }: Bag,
  notes: Readonly<Record<string, string>>,
): Promise<void> {
  return writeH5(path, (file) => {
    const shape = [instances, width];
    const table = file.create_dataset({ name: 'features', data: features, shape, dtype: '<f4' });
    for (const [name, text] of Object.entries(notes)) table.create_attribute(name, text);
    if (coords) {
      const whole = coords.every((value) => Number.isInteger(value));
      const data = whole ? Int32Array.from(coords) : coords;
      file.create_dataset({ name: 'coords', data, shape: [instances, 2], dtype: whole ? '<i4' : '<f4' });
    }
    if (instanceLabels)
      file.create_dataset({ name: 'instance_labels', data: instanceLabels, shape: [instances], dtype: '<i4' });
  });
}
