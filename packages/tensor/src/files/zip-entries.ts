import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import yauzl from 'yauzl';
import { MhimError } from '../errors.js';
import { readExactly } from './safetensors.js';

/** An entry of a zip file. */
export interface ZipEntry {
  name: string;
  size: number;
  stored: boolean;
  headerOffset: number;
}

/** An archive of tensors has few entries; more is an attack or another kind of file. */
const MAX_ENTRIES = 100_000;

/** Lists a zip file's entries without reading any. @throws MhimError `file-format` */
export async function listZip(handle: FileHandle, path: string): Promise<Map<string, ZipEntry>> {
  const { size } = await handle.stat();
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(
        new MhimError(`the file is truncated or corrupt (${error.message}).`, {
          code: 'file-format',
          path,
          hint: 'Copy or extract it again.',
          cause: error,
        }),
      );
    yauzl.fromRandomAccessReader(new HandleReader(handle, size, fail), size, { lazyEntries: true }, (error, zip) => {
      if (error) return fail(error);
      if (zip.entryCount > MAX_ENTRIES) return fail(new Error(`${zip.entryCount} entries`));
      const entries = new Map<string, ZipEntry>();
      zip.on('error', fail);
      zip.on('end', () => resolve(entries));
      zip.on('entry', (entry: yauzl.Entry) => {
        const { fileName: name, uncompressedSize, compressionMethod, relativeOffsetOfLocalHeader } = entry;
        if (entries.has(name)) return fail(new Error(`two entries are named ${name}`));
        entries.set(name, {
          name,
          size: uncompressedSize,
          stored: compressionMethod === 0,
          headerOffset: relativeOffsetOfLocalHeader,
        });
        zip.readEntry();
      });
      zip.readEntry();
    });
  });
}

/** Bytes [first, last) of a stored entry, straight from the file. */
export async function readStored(
  handle: FileHandle,
  { name, size, stored, headerOffset }: ZipEntry,
  path: string,
  first = 0,
  last = size,
): Promise<Uint8Array> {
  if (!stored) {
    throw new MhimError(`its entry ${name} is compressed; PyTorch stores tensors uncompressed.`, {
      code: 'unsafe-file',
      path,
      hint: 'Save it again with torch.save.',
    });
  }
  const header = Buffer.from(await readExactly(handle, headerOffset, 30, path));
  if (header.readUInt32LE(0) !== 0x04034b50) {
    throw new MhimError(`the file is corrupt: ${name} has no header.`, { code: 'file-format', path });
  }
  const start = headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  return readExactly(handle, start + first, last - first, path);
}

/** The library's own reader throws past its callbacks for positions that only a damaged file names. */
class HandleReader extends yauzl.RandomAccessReader {
  constructor(
    private readonly handle: FileHandle,
    private readonly size: number,
    private readonly fail: (error: Error) => void,
  ) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) {
      process.nextTick(callback, new Error('it points beyond its end'));
      return;
    }
    this.handle
      .read(buffer, offset, length, position)
      .then(({ bytesRead }) => callback(bytesRead === length ? null : new Error('it ends early')), callback)
      .catch(this.fail);
  }

  /** Contents are read by {@link readStored}. */
  override _readStreamForRange(): Readable {
    return Readable.from([]);
  }
}
