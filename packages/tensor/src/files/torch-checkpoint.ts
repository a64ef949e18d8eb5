import type { FileHandle } from 'node:fs/promises';
import { MhimError } from '../errors.js';
import {
  decodeElements,
  elementBytes,
  isShape,
  numpyTypes,
  sizeOf,
  type HostArray,
  type HostDtype,
  type HostTensor,
} from './host-tensor.js';
import { PickleBytes, PickleGlobal, readPickle, type PickleCall } from './pickle.js';
import { openForReading, readExactly, truncated } from './safetensors.js';
import {
  LEGACY_MAGIC,
  openLegacyTorchFile,
  openZipTorchFile,
  type OpenTorchFile,
  type Storage,
  type StorageHandlers,
} from './torch-storages.js';
import { unfolds, WorkBudget } from './work-budget.js';

/** What a PyTorch file may hold here: tensors, plain values, and dictionaries and lists of them. */
export type TorchValue =
  HostTensor | Map<string | number, TorchValue> | TorchValue[] | string | number | boolean | null;

/** Bounds on what a small file may unfold to: values and levels of dictionaries. Bytes are those of {@link WorkBudget}. */
const MAX_VALUES = 1_000_000;
const MAX_DEPTH = 64;
/** What a pair of a dictionary and a tensor cost beside their bytes; written out, either takes an eighth of it in the file. */
const PAIR_BYTES = 16;
const TENSOR_BYTES = 256;

/**
 * Reads a file written by `torch.save` (the zip format and that before PyTorch 1.6): tensors only. Nothing in it is executed; a handful of
 * names that rebuild tensors (and TRIDENT's NumPy arrays) are understood, any other is refused.
 * @throws MhimError `unsafe-file` naming what it refused, `file-format` for a truncated or foreign file
 */
export async function readTorchFile(path: string): Promise<TorchValue> {
  const handle = await openForReading(path);
  try {
    const budget = new WorkBudget(path, (await handle.stat()).size);
    const pickle = new TensorPickle(path, budget);
    const file = (await isLegacy(handle, path))
      ? await openLegacyTorchFile(handle, path, pickle)
      : await openZipTorchFile(handle, path, (bytes) => readPickle(bytes, pickle, path));
    return await new Archive(path, file, budget).resolve(file.value);
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

/** The few calls that rebuild tensors. */
class TensorPickle implements StorageHandlers {
  readonly storages = new Map<string, Storage>();

  constructor(
    private readonly path: string,
    private readonly budget: WorkBudget,
  ) {}

  call({ callee, args }: PickleCall): unknown {
    switch (callee) {
      case 'collections OrderedDict':
        return this.ordered(args[0] ?? []);
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
      case 'numpy.core.multiarray scalar':
      case 'numpy._core.multiarray scalar':
        return this.scalar(args);
      case 'numpy dtype':
        if (typeof args[0] !== 'string') throw this.corrupt('names no valid dtype');
        return new PendingDtype(args[0]);
      case '_codecs encode':
        return this.encoded(args);
    }
    throw this.refuse(callee.replace(' ', '.'));
  }

  persistent(id: unknown): Storage {
    const [kind, type, key, , size, view] = (Array.isArray(id) ? id : []) as unknown[];
    // Views of storages were given up with PyTorch 0.4.
    if (view) throw this.refuse('a storage within a storage');
    if (kind !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string') {
      throw this.corrupt('refers to an unknown storage');
    }
    const dtype = Object.hasOwn(storageTypes, type.name) ? storageTypes[type.name] : undefined;
    if (!dtype) throw this.refuse(type.name.replace(' ', '.'));
    if (!isShape([size])) throw this.corrupt('claims an impossible storage');
    const storage = { key, dtype, size: size as number };
    this.storages.set(key, storage);
    return storage;
  }

  build(object: unknown, state: unknown): unknown {
    if (object instanceof PendingArray && Array.isArray(state)) {
      const [, shape, dtype, fortran, bytes] = state as unknown[];
      if (!isShape(shape) || !(dtype instanceof PendingDtype)) throw this.corrupt('describes no valid array');
      const known = this.numpyType(dtype);
      Object.assign(object, { shape, dtype: known, fortran: fortran === true, bytes: this.toBytes(bytes) });
      return object;
    }
    // A dtype's state is its byte order; big-endian files do not occur on today's machines.
    if (object instanceof PendingDtype) {
      if (Array.isArray(state) && state[1] === '>') throw this.refuse('a big-endian array');
      return object;
    }
    // OrderedDict's state is its attributes (`_metadata` of a state dict): nothing we need.
    if (object instanceof Map) return object;
    throw this.refuse('object.__setstate__');
  }

  private ordered(pairs: unknown): Map<unknown, unknown> {
    if (!Array.isArray(pairs)) throw this.corrupt('describes no valid dictionary');
    this.budget.spend(PAIR_BYTES * pairs.length);
    const valid = pairs.every((pair) => Array.isArray(pair) && pair.length === 2);
    if (!valid) throw this.corrupt('describes no valid dictionary');
    return new Map(pairs as [unknown, unknown][]);
  }

  private encoded([text, encoding]: unknown[]): Uint8Array {
    if (text instanceof PickleBytes) this.budget.spend(text.length);
    const bytes =
      text instanceof PickleBytes ? text.latin1() : typeof text === 'string' ? this.toBytes(text) : undefined;
    if (!bytes || encoding !== 'latin1') throw this.corrupt('encodes no text');
    return bytes;
  }

  private toBytes(value: unknown): Uint8Array | undefined {
    if (value instanceof Uint8Array) return value;
    if (typeof value !== 'string') return undefined;
    this.budget.spend(value.length);
    return new Uint8Array(Buffer.from(value, 'latin1'));
  }

  /** A NumPy number, as metrics in checkpoints are. */
  private scalar([dtype, value]: unknown[]): number {
    const bytes = this.toBytes(value);
    if (!(dtype instanceof PendingDtype) || !bytes) throw this.corrupt('describes no valid number');
    const type = this.numpyType(dtype);
    if (bytes.length !== elementBytes[type]) throw this.corrupt('describes no valid number');
    return Number(decodeElements(bytes.slice(), type)[0]);
  }

  private numpyType({ code }: PendingDtype): HostDtype {
    const known = Object.hasOwn(numpyTypes, code) ? numpyTypes[code] : undefined;
    if (known) return known;
    throw this.refuse(`numpy dtype ${code}`);
  }

  private tensor(args: unknown[]): PendingTensor {
    const [storage, offset, shape, strides] = args as [Storage, number, unknown, unknown];
    const valid = isShape(shape) && isStrides(strides) && shape.length === strides.length && isStrides([offset]);
    if (!valid || typeof storage?.key !== 'string' || !Object.values(storageTypes).includes(storage.dtype))
      throw this.corrupt('describes no valid tensor');
    return new PendingTensor(storage, offset, shape, strides);
  }

  private refuse(name: string): MhimError {
    return new MhimError(`it asks for ${name}, which is not part of a tensor file.`, {
      code: 'unsafe-file',
      path: this.path,
      hint: 'It was not loaded. Save tensors only, e.g. a state dict.',
    });
  }

  private corrupt(what: string): MhimError {
    return new MhimError(`the file is corrupt: its pickle ${what}.`, { code: 'file-format', path: this.path });
  }
}

/** The file around the unpickled object. */
class Archive {
  private values = 0;

  constructor(
    private readonly path: string,
    private readonly file: OpenTorchFile,
    private readonly budget: WorkBudget,
  ) {}

  /**
   * Replaces descriptions by their numbers. A pickle may refer to one object many times, or to itself: counting what
   * comes out bounds time and memory by the file's size.
   */
  async resolve(value: unknown, depth = 0): Promise<TorchValue> {
    if (++this.values > MAX_VALUES || depth > MAX_DEPTH) throw unfolds(this.path, 'values');
    if (value instanceof PendingTensor) return this.tensor(value);
    if (value instanceof PendingArray) return this.array(value);
    if (value instanceof Map) {
      const map = new Map<string | number, TorchValue>();
      for (const [key, item] of value) {
        if (!['string', 'number', 'boolean'].includes(typeof key)) throw this.foreign();
        map.set(typeof key === 'number' ? key : String(key), await this.resolve(item, depth + 1));
      }
      return map;
    }
    if (Array.isArray(value)) {
      const list: TorchValue[] = [];
      for (const item of value) list.push(await this.resolve(item, depth + 1));
      return list;
    }
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as TorchValue;
    throw this.foreign();
  }

  private async tensor({ storage, offset, shape, strides }: PendingTensor): Promise<HostTensor> {
    const { dtype, key } = storage;
    const stored = this.file.storageBytes(key);
    if (stored === undefined) throw truncated(this.path);
    const size = sizeOf(shape);
    const width = elementBytes[dtype];
    const last =
      size === 0 ? 0 : offset + shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), 0) + 1;
    if (storage.size * width > stored || !(last <= storage.size)) {
      throw new MhimError(`a tensor of shape [${shape}] lies outside its storage.`, {
        code: 'file-format',
        path: this.path,
        hint: 'The file is damaged; copy it again.',
      });
    }
    this.budget.spend(TENSOR_BYTES + Math.max(last - offset, size) * width);
    const from = size === 0 ? 0 : offset;
    const values = decodeElements(await this.file.read(key, from * width, last * width), dtype);
    return { dtype, shape, data: isContiguous(shape, strides) ? values : gather(values, shape, strides) };
  }

  private array({ shape, dtype, fortran, bytes }: PendingArray): HostTensor {
    if (!dtype || !bytes || bytes.length !== sizeOf(shape) * elementBytes[dtype]) {
      throw new MhimError('the file is corrupt: an array does not fill its shape.', {
        code: 'file-format',
        path: this.path,
      });
    }
    this.budget.spend(TENSOR_BYTES + bytes.length);
    const data = decodeElements(bytes, dtype);
    if (!fortran) return { dtype, shape, data };
    const strides = shape.map((_, i) => sizeOf(shape.slice(0, i)));
    return { dtype, shape, data: gather(data, shape, strides) };
  }

  private foreign(): MhimError {
    return new MhimError('it holds something that is neither a tensor nor a plain value.', {
      code: 'unsafe-file',
      path: this.path,
      hint: 'It was not loaded. Save tensors only.',
    });
  }
}

/** Row-major values of a strided view. */
function gather(stored: HostArray, allSizes: number[], allStrides: number[]): HostArray {
  // Axes of one would be walked at every element, and a file may have dozens of them.
  const strides = allStrides.filter((_, axis) => allSizes[axis] !== 1);
  const shape = allSizes.filter((length) => length !== 1);
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

async function isLegacy(handle: FileHandle, path: string): Promise<boolean> {
  const { size } = await handle.stat();
  if (size < 4) throw truncated(path);
  const start = Buffer.from(await readExactly(handle, 0, Math.min(size, 2 + LEGACY_MAGIC.length), path));
  if (start.readUInt32LE() === 0x04034b50) return false;
  if (start[0] === 0x80 && start.subarray(2).equals(LEGACY_MAGIC)) return true;
  throw new MhimError('is no PyTorch file.', {
    code: 'file-format',
    path,
    hint: 'Expected the format of torch.save.',
  });
}

function isStrides(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((stride) => Number.isSafeInteger(stride) && (stride as number) >= 0);
}
