import { stat } from 'node:fs/promises';
import { MhimError, widenHalf, type HostDtype, type HostTensor } from '@mhim/tensor';
import { featureFile, type FeatureFile } from './features.js';

/** Names of the feature data set: CLAM and TRIDENT, then STAMP. */
const FEATURE_NAMES = ['features', 'feats'];
/** A file may expand (compression), but not without bound. */
const MAX_EXPANSION = 64;
/** HDF5's H5T_FLOAT. */
const FLOAT_TYPE = 1;

/**
 * Reads an HDF5 feature file as CLAM, TRIDENT and STAMP write them: `features` [n, d] or [1, n, d] (`feats`, float16, for
 * STAMP) and `coords` [n, 2].
 * @throws MhimError `file-format` for a truncated file or one without features
 */
export async function readH5Features(path: string): Promise<FeatureFile> {
  const { size } = await stat(path).catch(() => {
    throw new MhimError('there is no such file.', { code: 'file-missing', path, hint: 'Check the path.' });
  });
  const h5 = await import('h5wasm/node');
  const module = (await h5.ready) as unknown as H5Module;
  module.activate_throwing_error_handler?.();
  const file = open(h5, path);
  try {
    const names = file.keys();
    const name = FEATURE_NAMES.find((candidate) => names.includes(candidate));
    if (!name) {
      throw new MhimError(`has no data set ${FEATURE_NAMES.join(' or ')}.`, {
        code: 'file-format',
        path,
        hint: `It has: ${names.join(', ') || 'nothing'}. Is it a file of coordinates only?`,
      });
    }
    const features = readDataset(file.get(name), path, size, module);
    const coords = names.includes('coords') ? readDataset(file.get('coords'), path, size, module) : undefined;
    return featureFile(path, features, coords);
  } finally {
    file.close();
  }
}

type H5 = typeof import('h5wasm/node');

function open(h5: H5, path: string): InstanceType<H5['File']> {
  let file;
  try {
    file = new h5.File(path, 'r');
  } catch (cause) {
    throw broken(path, cause);
  }
  if (file.file_id < 0n) throw broken(path);
  return file;
}

function broken(path: string, cause?: unknown): MhimError {
  return new MhimError('the file is truncated or no HDF5 file.', {
    code: 'file-format',
    path,
    hint: 'Copy it again, or extract the features of this slide again.',
    cause,
  });
}

function readDataset(entity: unknown, path: string, fileSize: number, module: H5Module): HostTensor {
  const dataset = entity as InstanceType<H5['Dataset']>;
  const { shape, dtype, metadata } = dataset;
  if (!shape || !metadata) throw broken(path);
  const bytes = shape.reduce((a, b) => a * b, metadata.size);
  if (!(bytes <= Math.max(fileSize * MAX_EXPANSION, 1 << 20))) {
    throw new MhimError(`claims ${bytes} bytes of features in a file of ${fileSize}.`, { code: 'unsafe-file', path });
  }
  try {
    if (metadata.type === FLOAT_TYPE && metadata.size === 2) {
      return { dtype: 'F16', shape, data: readHalf(dataset, module) };
    }
    return { dtype: dtypes[String(dtype)] ?? 'F32', shape, data: dataset.value as HostTensor['data'] };
  } catch (cause) {
    throw broken(path, cause);
  }
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
  const elements = (dataset.shape as number[]).reduce((a, b) => a * b, 1);
  const pointer = module._malloc(2 * elements);
  try {
    module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(pointer));
    const bytes = module.HEAPU8.slice(pointer, pointer + 2 * elements);
    return widenHalf(new Uint16Array(bytes.buffer));
  } finally {
    module._free(pointer);
  }
}

/** What we use of the compiled HDF5 library itself. */
interface H5Module {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  get_dataset_data(file: bigint, path: string, count: null, offset: null, strides: null, pointer: bigint): void;
  /** Makes the library throw instead of printing its error stack. */
  activate_throwing_error_handler?(): void;
}
