import type { FileHandle } from 'node:fs/promises';
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
export function listZip(path: string): Promise<Map<string, ZipEntry>> {
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
    yauzl.open(path, { lazyEntries: true, autoClose: true }, (error, zip) => {
      if (error) return fail(error);
      if (zip.entryCount > MAX_ENTRIES) return fail(new Error(`${zip.entryCount} entries`));
      const entries = new Map<string, ZipEntry>();
      zip.on('error', fail);
      zip.on('end', () => resolve(entries));
      zip.on('entry', (entry: yauzl.Entry) => {
        const { fileName: name, uncompressedSize: size, compressionMethod, relativeOffsetOfLocalHeader } = entry;
        entries.set(name, { name, size, stored: compressionMethod === 0, headerOffset: relativeOffsetOfLocalHeader });
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
