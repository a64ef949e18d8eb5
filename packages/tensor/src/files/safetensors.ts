import { type FileHandle, open } from 'node:fs/promises';
import { MhimError } from '../errors.js';
import { writeFileAtomic } from './atomic-write.js';
import {
  decodeElements,
  elementBytes,
  isShape,
  narrowHalf,
  sizeOf,
  type HostDtype,
  type HostTensor,
} from './host-tensor.js';

/** The bound of the format's own reader. */
const MAX_HEADER_BYTES = 100_000_000;
/** The system reads at most 2 GiB at once. */
const MAX_READ = 2 ** 30;

/** Where a tensor lies in a file. */
export interface TensorEntry {
  dtype: HostDtype;
  shape: number[];
  /** First and last+1 byte within the file. */
  begin: number;
  end: number;
}

/**
 * An open safetensors file: the header is read and checked once, tensors (or some of their rows) when asked for.
 * Close it after use.
 */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    readonly entries: ReadonlyMap<string, TensorEntry>,
    readonly metadata: Readonly<Record<string, string>>,
    private readonly handle: FileHandle,
  ) {}

  /** @throws MhimError `file-format` unless header and sizes are consistent; `file-missing` */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await openForReading(path);
    try {
      const { size } = await handle.stat();
      const { entries, metadata } = await readHeader(handle, size, path);
      return new SafetensorsFile(path, entries, metadata, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** @throws MhimError `file-format` when the file has no such tensor */
  entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (entry) return entry;
    throw new MhimError(`has no tensor "${name}".`, {
      code: 'file-format',
      path: this.path,
      hint: `It has: ${[...this.entries.keys()].slice(0, 20).join(', ')}.`,
    });
  }

  /** Reads a tensor, or only rows [first, last) of its first axis. */
  async read(name: string, rows?: readonly [number, number]): Promise<HostTensor> {
    const { dtype, shape, begin, end } = this.entry(name);
    if (!rows) return { dtype, shape: [...shape], data: decodeElements(await this.bytes(begin, end), dtype) };
    const [first, last] = rows;
    const rowBytes = sizeOf(shape.slice(1)) * elementBytes[dtype];
    if (!(first >= 0 && last >= first && last <= (shape[0] ?? 0))) {
      throw new MhimError(`rows ${first}…${last} of "${name}" do not exist; it has ${shape[0] ?? 0}.`, {
        code: 'file-format',
        path: this.path,
      });
    }
    const bytes = await this.bytes(begin + first * rowBytes, begin + last * rowBytes);
    return { dtype, shape: [last - first, ...shape.slice(1)], data: decodeElements(bytes, dtype) };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private async bytes(begin: number, end: number): Promise<Uint8Array> {
    return readExactly(this.handle, begin, end - begin, this.path);
  }
}

/** Reads all tensors of a safetensors file, in the order of the header. */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Map<string, HostTensor>; metadata: Record<string, string> }> {
  const file = await SafetensorsFile.open(path);
  try {
    const tensors = new Map<string, HostTensor>();
    for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
    return { tensors, metadata: { ...file.metadata } };
  } finally {
    await file.close();
  }
}

/** A tensor to be written; `data` in its type's array, float32 for F16 (it is narrowed). */
export type WritableTensor = HostTensor;

/**
 * Writes a safetensors file atomically. The same input gives the same bytes.
 * @throws MhimError `shape` when a tensor's data and shape disagree
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, WritableTensor]>,
  metadata: Record<string, string> = {},
): void {
  const list = [...tensors];
  writeFileAtomic(
    path,
    chunks(
      safetensorsHeader(
        list.map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
        metadata,
      ),
      list,
    ),
  );
}

/** The file's first bytes for tensors that follow one another without gaps: length, header, padding to eight. */
export function safetensorsHeader(
  tensors: readonly (readonly [string, { dtype: HostDtype; shape: number[] }])[],
  metadata: Record<string, string> = {},
): Uint8Array {
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata]);
  let at = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const bytes = sizeOf(shape) * elementBytes[dtype];
    header.push([name, { dtype, shape, data_offsets: [at, at + bytes] }]);
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  text.copy(bytes, 8);
  return bytes;
}

/** The bytes of a tensor as they stand in a file. */
export function encodeElements(name: string, { dtype, shape, data }: WritableTensor): Uint8Array {
  const values = dtype === 'F16' && data instanceof Float32Array ? narrowHalf(data) : data;
  if (values.byteLength !== sizeOf(shape) * elementBytes[dtype]) {
    throw new MhimError(`"${name}": ${values.length} values do not fill ${dtype} of shape [${shape}].`, {
      code: 'shape',
    });
  }
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function* chunks(header: Uint8Array, tensors: (readonly [string, WritableTensor])[]): Iterable<Uint8Array> {
  yield header;
  for (const [name, tensor] of tensors) yield encodeElements(name, tensor);
}

/** Opens a file, with a clear error when it is not there. */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if (!(await handle.stat()).isDirectory()) return handle;
    await handle.close();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      throw new MhimError(`cannot be opened (${code}).`, { code: 'file-missing', path, cause: error });
    throw new MhimError('there is no such file.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  throw new MhimError('is a folder, expected a file.', { code: 'file-missing', path, hint: 'Name a file in it.' });
}

/** Reads `length` bytes at `position`. @throws MhimError `file-format` at the file's early end */
export async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Uint8Array> {
  // A length that a hostile file merely claims must not cost memory.
  if (length > 65536 && position + length > (await handle.stat()).size) throw truncated(path);
  const bytes = allocate(length, path);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, MAX_READ), position + done);
    if (bytesRead === 0) throw truncated(path);
    done += bytesRead;
  }
  return bytes;
}

function allocate(length: number, path: string): Uint8Array {
  try {
    return length < 2 ** 32 - 1 ? Buffer.allocUnsafeSlow(length) : new Uint8Array(length);
  } catch (cause) {
    throw new MhimError(`${length} bytes do not fit into memory.`, {
      code: 'file-format',
      path,
      hint: 'Read it in parts, or split the file.',
      cause,
    });
  }
}

/** The error of a file that ends too early. */
export function truncated(path: string): MhimError {
  return new MhimError('the file is truncated.', { code: 'file-format', path, hint: 'Copy or extract it again.' });
}

async function readHeader(handle: FileHandle, fileSize: number, path: string) {
  if (fileSize < 8) throw truncated(path);
  const length = Buffer.from(await readExactly(handle, 0, 8, path)).readBigUInt64LE();
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw corrupt(path, `its header claims ${length} bytes, so it is no safetensors file`);
  }
  const start = 8 + Number(length);
  if (start > fileSize) throw truncated(path);
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readExactly(handle, 8, Number(length), path));
    header = JSON.parse(text);
  } catch {
    throw corrupt(path, 'its header is no JSON');
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw corrupt(path, `"${twice}" stands in its header twice`);
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw corrupt(path, 'its header is no object');
  const { __metadata__: metadata = {}, ...tensors } = header as Record<string, unknown>;
  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(tensors)) entries.set(name, parseEntry(name, value, start, path));
  checkLayout(entries, start, fileSize, path);
  return { entries, metadata: checkMetadata(metadata, path) };
}

function parseEntry(name: string, value: unknown, start: number, path: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype))
    throw corrupt(path, `"${name}" has the unknown dtype ${typeof dtype === 'string' ? dtype : typeof dtype}`);
  if (!isShape(shape)) throw corrupt(path, `"${name}" has no valid shape`);
  if (!isOffsets(offsets)) throw corrupt(path, `"${name}" has no valid data_offsets`);
  const [begin, end] = offsets;
  const bytes = sizeOf(shape) * elementBytes[dtype as HostDtype];
  if (end - begin !== bytes) {
    throw corrupt(path, `"${name}" of shape [${shape}] does not fill its ${end - begin} bytes`);
  }
  return { dtype: dtype as HostDtype, shape, begin: start + begin, end: start + end };
}

/** No overlaps, no holes, nothing beyond the end. */
function checkLayout(entries: Map<string, TensorEntry>, start: number, fileSize: number, path: string): void {
  let at = start;
  for (const [name, { begin, end }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) throw corrupt(path, `"${name}" overlaps its neighbour or leaves a hole`);
    at = end;
  }
  if (at > fileSize) throw truncated(path);
  if (at < fileSize) throw corrupt(path, `${fileSize - at} bytes belong to no tensor`);
}

function checkMetadata(metadata: unknown, path: string): Record<string, string> {
  const valid = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (!valid || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw corrupt(path, 'its metadata are not all text');
  }
  return metadata as Record<string, string>;
}

function isOffsets(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((at) => Number.isSafeInteger(at) && at >= 0);
}

/** A key that occurs twice in one object of a valid JSON text; `JSON.parse` would keep the last silently. */
function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    const sign = json[at];
    if (sign === '{') objects.push(new Set());
    else if (sign === '}') objects.pop();
    else if (sign === '"') {
      const start = at++;
      while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
      let next = at + 1;
      while (' \t\n\r'.includes(json[next] as string)) next++;
      if (json[next] !== ':') continue;
      const key = JSON.parse(json.slice(start, at + 1)) as string;
      const keys = objects.at(-1) as Set<string>;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function corrupt(path: string, what: string): MhimError {
  return new MhimError(`the file is corrupt: ${what}.`, {
    code: 'file-format',
    path,
    hint: 'Write or download it again.',
  });
}
