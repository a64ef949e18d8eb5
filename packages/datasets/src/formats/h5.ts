import { MhimError, sizeOf, widenHalf, type HostDtype, type HostTensor } from '@mhim/tensor';
import { featureFile, type FeatureFile } from './features.js';
import { withH5, type H5, type H5File, type H5Module } from './h5-sandbox.js';

/** Names of the feature data set: CLAM and TRIDENT, then STAMP. */
const FEATURE_NAMES = ['features', 'feats'];
/** A file may expand (compression), but not without bound. */
const MAX_EXPANSION = 64;
/** HDF5's H5T_INTEGER and H5T_FLOAT. */
const INTEGER_TYPE = 0;
const FLOAT_TYPE = 1;
/** Filters of the library itself have numbers below this one; others are plug-ins. */
const FIRST_PLUGIN = 256;

/**
 * Reads an HDF5 feature file as CLAM, TRIDENT and STAMP write them: `features` [n, d] or [1, n, d] (`feats`, float16, for
 * STAMP) and `coords` [n, 2].
 * @throws MhimError `file-format` for a truncated file or one without features
 */
export function readH5Features(path: string): Promise<FeatureFile> {
  return withH5(path, (file, size, module) => {
    const names = file.keys();
    const name = FEATURE_NAMES.find((candidate) => names.includes(candidate));
    if (!name) {
      throw new MhimError(`has no data set ${FEATURE_NAMES.join(' or ')}.`, {
        code: 'file-format',
        path,
        hint: `It has: ${names.join(', ') || 'nothing'}. Is it a file of coordinates only?`,
      });
    }
    const features = readDataset(file, name, path, size, module);
    const content = featureFile(path, features, coordsOf(file, path, size, module));
    if (names.includes('instance_labels')) {
      content.instanceLabels = Int32Array.from(
        readDataset(file, 'instance_labels', path, size, module).data as ArrayLike<number>,
        Number,
      );
    }
    if (content.coords && inMicrometres(file)) content.coordsUnit = 'um';
    return content;
  });
}

/** The coordinates alone, of a file whose features are read elsewhere; undefined when it has none. */
export function readH5Coords(path: string): Promise<HostTensor | undefined> {
  return withH5(path, (file, size, module) => coordsOf(file, path, size, module));
}

/** Whether {@link readH5Coords} would give any. */
export function holdsH5Coords(path: string): Promise<boolean> {
  return withH5(path, (file) => file.keys().includes('coords'));
}

function coordsOf(file: H5File, path: string, size: number, module: H5Module): HostTensor | undefined {
  return file.keys().includes('coords') ? readDataset(file, 'coords', path, size, module) : undefined;
}

function readDataset(file: H5File, name: string, path: string, fileSize: number, module: H5Module): HostTensor {
  const dataset = file.get(name) as Partial<InstanceType<H5['Dataset']>> | null;
  const { shape, dtype, metadata } = dataset ?? {};
  if (!shape || !metadata || (metadata.type !== INTEGER_TYPE && metadata.type !== FLOAT_TYPE)) {
    throw new MhimError(`its "${name}" is no table of numbers.`, {
      code: 'file-format',
      path,
      hint: 'Expected a data set of floating-point or whole numbers in this file itself.',
    });
  }
  // Parts of a virtual data set that are not found read as zeros, without any error.
  if (metadata.virtual_sources) throw unreadable(path, name, 'lies in other files');
  const plugin = dataset?.filters?.find(({ id }) => id >= FIRST_PLUGIN);
  if (plugin) throw unreadable(path, name, `is compressed with ${plugin.name || `filter ${plugin.id}`}`);
  if (metadata.size > 8) throw unreadable(path, name, `holds numbers of ${metadata.size} bytes`);
  const bytes = sizeOf(shape) * metadata.size;
  if (!(bytes <= Math.max(fileSize * MAX_EXPANSION, 1 << 20))) {
    throw new MhimError(`its "${name}" claims ${bytes} bytes in a file of ${fileSize}.`, {
      code: 'unsafe-file',
      path,
      hint: 'It was not loaded. Extract the features of this slide again.',
    });
  }
  if (bytes === 0) return { dtype: 'F32', shape, data: new Float32Array(0) };
  if (metadata.type === FLOAT_TYPE && metadata.size === 2) {
    if (!metadata.littleEndian) throw unreadable(path, name, 'is of big-endian float16');
    return { dtype: 'F16', shape, data: readHalf(dataset as InstanceType<H5['Dataset']>, module) };
  }
  return { dtype: dtypes[String(dtype)] ?? 'F32', shape, data: dataset?.value as HostTensor['data'] };
}

function unreadable(path: string, name: string, why: string): MhimError {
  return new MhimError(`its "${name}" ${why}, which cannot be read here.`, {
    code: 'file-format',
    path,
    hint: 'Copy it into a plain data set, for example with h5repack.',
  });
}

const dtypes: Record<string, HostDtype> = {
  '<f': 'F32',
  '<d': 'F64',
  '<i': 'I32',
  '<q': 'I64',
  '<h': 'I16',
  '<B': 'U8',
};

/** The library has no half precision, so its raw bytes are fetched below its accessors and widened here. */
function readHalf(dataset: InstanceType<H5['Dataset']>, module: H5Module): Float32Array {
  const elements = sizeOf(dataset.shape as number[]);
  const pointer = module._malloc(2 * elements);
  if (pointer === 0) throw new Error('out of memory');
  try {
    module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(pointer));
    const bytes = module.HEAPU8.slice(pointer, pointer + 2 * elements);
    return widenHalf(new Uint16Array(bytes.buffer));
  } finally {
    module._free(pointer);
  }
}

/** STAMP's files say so. */
function inMicrometres(file: H5File): boolean {
  return file.attrs.unit?.value === 'um';
}
