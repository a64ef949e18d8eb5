import type { FileHandle } from 'node:fs/promises';
import { MhimError } from '../errors.js';
import { elementBytes, isShape, type HostDtype } from './host-tensor.js';
import { readPickleAt, type PickleHandlers } from './pickle.js';
import { readExactly, truncated } from './safetensors.js';
import { listZip, readStored, type ZipEntry } from './zip-entries.js';

/** What the pickle of a PyTorch file says of a storage, the flat memory that tensors are views of. */
export interface Storage {
  key: string;
  dtype: HostDtype;
  /** Elements, as the pickle claims. */
  size: number;
}

/** Pickle handlers that remember the storages they were asked for. */
export interface StorageHandlers extends PickleHandlers {
  readonly storages: ReadonlyMap<string, Storage>;
}

/** A PyTorch file whose object is unpickled and whose storages are still on disk. */
export interface OpenTorchFile {
  value: unknown;
  /** Bytes of a storage; undefined when the file has none of that key. */
  storageBytes(key: string): number | undefined;
  /** Bytes [first, last) of a storage. */
  read(key: string, first: number, last: number): Promise<Uint8Array>;
}

/** The zip format of PyTorch ≥ 1.6: `data.pkl` and one uncompressed entry a storage. */
export async function openZipTorchFile(
  handle: FileHandle,
  path: string,
  pickleOf: (bytes: Uint8Array) => unknown,
): Promise<OpenTorchFile> {
  const entries = await listZip(handle, path);
  const name = [...entries.keys()].find((key) => /^[^/]*\/?data\.pkl$/.test(key));
  if (name === undefined) {
    throw new MhimError('is a zip file, but not one of PyTorch: it has no data.pkl.', { code: 'file-format', path });
  }
  const prefix = name.slice(0, -'data.pkl'.length);
  const order = entries.get(`${prefix}byteorder`);
  if (order && Buffer.from(await readStored(handle, order, path, 0, Math.min(order.size, 6))).toString() !== 'little') {
    throw bigEndian(path);
  }
  const storage = (key: string) => entries.get(`${prefix}data/${key}`);
  return {
    value: pickleOf(await readStored(handle, entries.get(name) as ZipEntry, path)),
    storageBytes: (key) => storage(key)?.size,
    read: (key, first, last) => readStored(handle, storage(key) as ZipEntry, path, first, last),
  };
}

/** First bytes of a file of PyTorch before 1.6: a pickle of the number 0x1950a86a20f9469cfc6c. */
export const LEGACY_MAGIC = Buffer.from('8a0a6cfc9c46f9206aa850192e', 'hex');
const LEGACY_PROTOCOL = 1001;
/** All pickles of a file together; a state dict of a thousand tensors has a quarter of a megabyte. */
const MAX_LEGACY_PICKLES = 2 ** 26;

/**
 * The format before PyTorch 1.6, in which torchvision and others still publish weights: pickles of a magic number, a
 * version, the system, the object and the list of its storages, which follow one another with their lengths.
 */
export async function openLegacyTorchFile(
  handle: FileHandle,
  path: string,
  handlers: StorageHandlers,
): Promise<OpenTorchFile> {
  const { size: fileSize } = await handle.stat();
  const head = await readExactly(handle, 0, Math.min(fileSize, MAX_LEGACY_PICKLES), path);
  let at = 0;
  const next = () => {
    const { value, end } = readPickleAt(head, at, handlers, path);
    at = end;
    return value;
  };
  next();
  if (next() !== LEGACY_PROTOCOL) throw corrupt(path, 'is of an unknown version');
  const system = next();
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian(path);
  const value = next();
  const places = await findStorages(handle, path, { keys: next(), start: at, fileSize, known: handlers.storages });
  return {
    value,
    storageBytes: (key) => places.get(key)?.bytes,
    read: (key, first, last) => {
      const { start } = places.get(key) as Place;
      return readExactly(handle, start + first, last - first, path);
    },
  };
}

interface Place {
  start: number;
  bytes: number;
}

async function findStorages(
  handle: FileHandle,
  path: string,
  of: { keys: unknown; start: number; fileSize: number; known: ReadonlyMap<string, Storage> },
): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  let at = of.start;
  for (const key of Array.isArray(of.keys) ? (of.keys as unknown[]) : []) {
    // The older files' keys are text; anything else need not even have a short one.
    const storage = typeof key === 'string' ? of.known.get(key) : undefined;
    if (!storage || places.has(storage.key)) throw corrupt(path, 'lists storages that it does not use');
    const size = Number(Buffer.from(await readExactly(handle, at, 8, path)).readBigInt64LE());
    if (!isShape([size]) || size !== storage.size) throw corrupt(path, 'claims storages of other sizes than it has');
    const bytes = size * elementBytes[storage.dtype];
    if (at + 8 + bytes > of.fileSize) throw truncated(path);
    places.set(storage.key, { start: at + 8, bytes });
    at += 8 + bytes;
  }
  return places;
}

function corrupt(path: string, what: string): MhimError {
  return new MhimError(`the file is corrupt: its pickle ${what}.`, { code: 'file-format', path });
}

function bigEndian(path: string): MhimError {
  return new MhimError('was written on a big-endian machine.', { code: 'file-format', path });
}
