import type { FileHandle } from 'node:fs/promises';
import { MhimError } from '../errors.js';
import {
  decodeElements,
  elementBytes,
  sizeOf,
  type HostArray,
  type HostDtype,
  type HostTensor,
} from './host-tensor.js';
import { PickleGlobal, readPickle, type PickleCall } from './pickle.js';
import { openForReading, readExactly, truncated } from './safetensors.js';
import { listZip, readStored, type ZipEntry } from './zip-entries.js';

/** What a PyTorch file may hold here: tensors, plain values, and dictionaries and lists of them. */
export type TorchValue =
  HostTensor | Map<string | number, TorchValue> | TorchValue[] | string | number | boolean | null;

/** The largest pickle (structure, not tensors) that is read. */
const MAX_PICKLE_BYTES = 64 * 1024 * 1024;

/**
 * Reads a file written by `torch.save` (zip format, PyTorch ≥ 1.6): tensors only. Nothing in it is executed; a handful of
 * names that rebuild tensors (and TRIDENT's NumPy arrays) are understood, any other is refused.
 * @throws MhimError `unsafe-file` naming what it refused, `file-format` for a truncated or foreign file
 */
export async function readTorchFile(path: string): Promise<TorchValue> {
  const handle = await openForReading(path);
  try {
    await checkMagic(handle, path);
    const archive = new Archive(path, handle, await listZip(path));
    return await archive.resolve(readPickle(await archive.pickle(), new TensorPickle(path), path));
  } finally {
    await handle.close();
  }
}

/**
 * All tensors of a PyTorch file by their dotted names: `{"model": {"a.weight": …}}` gives `model.a.weight`. A file that
 * holds a single tensor gives it under the empty name.
 */
export async function readTorchTensors(path: string): Promise<Map<string, HostTensor>> {
  const tensors = new Map<string, HostTensor>();
  const visit = (value: TorchValue, name: string) => {
    if (isHostTensor(value)) tensors.set(name, value);
    else if (value instanceof Map)
      for (const [key, item] of value) visit(item, name === '' ? String(key) : `${name}.${key}`);
    else if (Array.isArray(value)) value.forEach((item, i) => visit(item, name === '' ? String(i) : `${name}.${i}`));
  };
  visit(await readTorchFile(path), '');
  return tensors;
}

export function isHostTensor(value: unknown): value is HostTensor {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value;
}

/** A tensor as the pickle describes it, before its numbers are read. */
class PendingTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}
}

interface Storage {
  key: string;
  dtype: HostDtype;
  /** Elements, as the pickle claims. */
  size: number;
}

/** A NumPy array while it is being rebuilt. */
class PendingArray {
  shape: number[] = [];
  dtype?: HostDtype;
  fortran = false;
  bytes?: Uint8Array;
}

class PendingDtype {
  constructor(readonly code: string) {}
}

const storageTypes: Record<string, HostDtype> = {
  'torch FloatStorage': 'F32',
  'torch DoubleStorage': 'F64',
  'torch HalfStorage': 'F16',
  'torch BFloat16Storage': 'BF16',
  'torch LongStorage': 'I64',
  'torch IntStorage': 'I32',
  'torch ShortStorage': 'I16',
  'torch CharStorage': 'I8',
  'torch ByteStorage': 'U8',
  'torch BoolStorage': 'BOOL',
};

const numpyTypes: Record<string, HostDtype> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u8: 'U64',
  u4: 'U32',
  u2: 'U16',
  u1: 'U8',
  b1: 'BOOL',
};

/** The few calls that rebuild tensors. */
class TensorPickle {
  constructor(private readonly path: string) {}

  call({ callee, args }: PickleCall): unknown {
    switch (callee) {
      case 'collections OrderedDict':
        return new Map(Array.isArray(args[0]) ? (args[0] as [unknown, unknown][]) : []);
      case 'torch._utils _rebuild_tensor_v2':
      case 'torch._utils _rebuild_tensor':
        return this.tensor(args);
      case 'torch._utils _rebuild_parameter':
        return args[0];
      case 'torch Size':
        return args[0];
      case 'numpy.core.multiarray _reconstruct':
      case 'numpy._core.multiarray _reconstruct':
        return new PendingArray();
      case 'numpy dtype':
        return new PendingDtype(String(args[0]));
      case '_codecs encode':
        return Uint8Array.from(String(args[0]), (character) => character.charCodeAt(0));
    }
    throw this.refuse(callee);
  }

  persistent(id: unknown): Storage {
    const [kind, type, key, , size] = (Array.isArray(id) ? id : []) as unknown[];
    if (kind !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string') {
      throw this.corrupt('refers to an unknown storage');
    }
    const dtype = storageTypes[type.name];
    if (!dtype) throw this.refuse(type.name);
    return { key, dtype, size: Number(size) };
  }

  build(object: unknown, state: unknown): unknown {
    if (object instanceof PendingArray && Array.isArray(state)) {
      const [, shape, dtype, fortran, bytes] = state as unknown[];
      if (!isSizes(shape) || !(dtype instanceof PendingDtype)) throw this.corrupt('describes no valid array');
      const known = numpyTypes[dtype.code];
      if (!known) throw this.refuse(`numpy dtype ${dtype.code}`);
      Object.assign(object, { shape, dtype: known, fortran: fortran === true, bytes: toBytes(bytes) });
      return object;
    }
    // A dtype's state is its byte order; big-endian files do not occur on today's machines.
    if (object instanceof PendingDtype) {
      if (Array.isArray(state) && state[1] === '>') throw this.refuse('a big-endian array');
      return object;
    }
    // OrderedDict's state is its attributes (`_metadata` of a state dict): nothing we need.
    if (object instanceof Map) return object;
    throw this.refuse('the state of an object');
  }

  private tensor(args: unknown[]): PendingTensor {
    const [storage, offset, shape, strides] = args as [Storage, number, unknown, unknown];
    const valid = isSizes(shape) && isSizes(strides) && shape.length === strides.length && Number.isSafeInteger(offset);
    if (!valid || offset < 0 || typeof storage?.key !== 'string') throw this.corrupt('describes no valid tensor');
    return new PendingTensor(storage, offset, shape, strides);
  }

  private refuse(name: string): MhimError {
    return new MhimError(`it asks for ${name.replace(' ', '.')}, which is not part of a tensor file.`, {
      code: 'unsafe-file',
      path: this.path,
      hint: 'It was not loaded. Save tensors only, e.g. a state dict.',
    });
  }

  private corrupt(what: string): MhimError {
    return new MhimError(`the file is corrupt: its pickle ${what}.`, { code: 'file-format', path: this.path });
  }
}

/** The zip around pickle and storages. */
class Archive {
  private readonly prefix: string;

  constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private readonly entries: Map<string, ZipEntry>,
  ) {
    const name = [...entries.keys()].find((key) => /^[^/]*\/?data\.pkl$/.test(key));
    if (name === undefined) {
      throw new MhimError('is a zip file, but not one of PyTorch: it has no data.pkl.', { code: 'file-format', path });
    }
    this.prefix = name.slice(0, -'data.pkl'.length);
  }

  async pickle(): Promise<Uint8Array> {
    const entry = this.entries.get(`${this.prefix}data.pkl`) as ZipEntry;
    if (entry.size > MAX_PICKLE_BYTES) {
      throw new MhimError(`its structure takes ${entry.size} bytes, more than a tensor file needs.`, {
        code: 'unsafe-file',
        path: this.path,
      });
    }
    const order = this.entries.get(`${this.prefix}byteorder`);
    if (order && Buffer.from(await readStored(this.handle, order, this.path)).toString() !== 'little') {
      throw new MhimError('was written on a big-endian machine.', { code: 'file-format', path: this.path });
    }
    return readStored(this.handle, entry, this.path);
  }

  /** Replaces descriptions by their numbers. Each is read on its own, so the file's size bounds the memory. */
  async resolve(value: unknown): Promise<TorchValue> {
    if (value instanceof PendingTensor) return this.tensor(value);
    if (value instanceof PendingArray) return this.array(value);
    if (value instanceof Map) {
      const map = new Map<string | number, TorchValue>();
      for (const [key, item] of value) map.set(typeof key === 'number' ? key : String(key), await this.resolve(item));
      return map;
    }
    if (Array.isArray(value)) {
      const list: TorchValue[] = [];
      for (const item of value) list.push(await this.resolve(item));
      return list;
    }
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as TorchValue;
    throw new MhimError('it holds something that is neither a tensor nor a plain value.', {
      code: 'unsafe-file',
      path: this.path,
      hint: 'It was not loaded. Save tensors only.',
    });
  }

  private async tensor({ storage, offset, shape, strides }: PendingTensor): Promise<HostTensor> {
    const { dtype, key } = storage;
    const entry = this.entries.get(`${this.prefix}data/${key}`);
    if (!entry) throw truncated(this.path);
    const size = sizeOf(shape);
    const last =
      size === 0 ? 0 : offset + shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), 0) + 1;
    // Strides of 0 would let a small file claim a huge tensor.
    if (
      !Number.isSafeInteger(last) ||
      last * elementBytes[dtype] > entry.size ||
      size * elementBytes[dtype] > 4 * entry.size
    ) {
      throw new MhimError(`a tensor of shape [${shape}] lies outside its storage.`, {
        code: 'file-format',
        path: this.path,
      });
    }
    const from = size === 0 ? 0 : offset;
    const width = elementBytes[dtype];
    const bytes = await readStored(this.handle, entry, this.path, from * width, last * width);
    const stored = decodeElements(bytes, dtype);
    return { dtype, shape, data: isContiguous(shape, strides) ? stored : gather(stored, shape, strides) };
  }

  private array({ shape, dtype, fortran, bytes }: PendingArray): HostTensor {
    if (!dtype || !bytes || bytes.length !== sizeOf(shape) * elementBytes[dtype]) {
      throw new MhimError('the file is corrupt: an array does not fill its shape.', {
        code: 'file-format',
        path: this.path,
      });
    }
    const data = decodeElements(bytes.slice(), dtype);
    if (!fortran) return { dtype, shape, data };
    const strides = shape.map((_, i) => sizeOf(shape.slice(0, i)));
    return { dtype, shape, data: gather(data, shape, strides) };
  }
}

/** Row-major values of a strided view. */
function gather(stored: HostArray, shape: number[], strides: number[]): HostArray {
  const size = sizeOf(shape);
  const result = new (stored.constructor as new (length: number) => HostArray)(size);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < size; i++) {
    result[i] = stored[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] as number;
      (index[axis] as number)++;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= (shape[axis] as number) * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return result;
}

function isContiguous(shape: number[], strides: number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

async function checkMagic(handle: FileHandle, path: string): Promise<void> {
  const { size } = await handle.stat();
  if (size < 4) throw truncated(path);
  const magic = Buffer.from(await readExactly(handle, 0, 4, path));
  if (magic.readUInt32LE() === 0x04034b50) return;
  const legacy = magic[0] === 0x80;
  throw new MhimError(legacy ? 'is in the format of PyTorch before 1.6.' : 'is no PyTorch file.', {
    code: 'file-format',
    path,
    hint: legacy ? 'Load it in PyTorch and save it again with torch.save.' : 'Expected the zip format of torch.save.',
  });
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function toBytes(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array
    ? value
    : typeof value === 'string'
      ? Uint8Array.from(Buffer.from(value, 'latin1'))
      : undefined;
}
