import { crc32 } from 'node:zlib';
import { MhimError } from '../errors.js';

export interface StoredEntry {
  name: string;
  bytes: Uint8Array;
}

/** Without zip64. */
const MAX_BYTES = 0xffffffff;
/** 1 January 1980, so that the same input gives the same bytes. */
const DOS_DATE = 33;

/**
 * A zip file of uncompressed entries, in the chunks in which it is written.
 * @throws MhimError `file-format` beyond 4 GiB
 */
export function* storedZip(entries: Iterable<StoredEntry>, path: string): Generator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes } of entries) {
    const fields = commonFields(name, bytes);
    const local = Buffer.concat([signature(0x04034b50), fields, Buffer.from(name)]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    directory.push(signature(0x02014b50), version(), fields, place, Buffer.from(name));
    at += local.length + bytes.length;
    if (at > MAX_BYTES) {
      throw new MhimError('would be larger than 4 GiB.', {
        code: 'file-format',
        path,
        hint: 'Write safetensors instead.',
      });
    }
    yield local;
    yield bytes;
  }
  const listing = Buffer.concat(directory);
  yield listing;
  yield end(directory.length / 5, listing.length, at);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The version that made the file: 2.0, as the one needed to read it. */
function version(): Buffer {
  return Buffer.of(20, 0);
}

/** From the version needed to the length of the extra field: the same in both places. */
function commonFields(name: string, bytes: Uint8Array): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(0x0800, 2); // names are UTF-8
  fields.writeUInt16LE(DOS_DATE, 8);
  fields.writeUInt32LE(crc32(bytes), 10);
  fields.writeUInt32LE(bytes.length, 14);
  fields.writeUInt32LE(bytes.length, 18);
  fields.writeUInt16LE(Buffer.byteLength(name), 22);
  return fields;
}

function end(entries: number, size: number, at: number): Buffer {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(0x06054b50);
  bytes.writeUInt16LE(entries, 8);
  bytes.writeUInt16LE(entries, 10);
  bytes.writeUInt32LE(size, 12);
  bytes.writeUInt32LE(at, 16);
  return bytes;
}
