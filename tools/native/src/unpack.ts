import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { NativeError } from './native-error.js';

/**
 * Unpacks the entries of a wheel that `rename` gives a place to, streaming.
 * @param rename entry name → path below `folder`, or undefined to leave it out
 * @returns the number of files written
 */
export async function unpack(
  wheel: string,
  folder: string,
  rename: (entry: string) => string | undefined,
): Promise<number> {
  const zip = await open(wheel);
  let written = 0;
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => resolve(written));
    zip.on('entry', (entry: yauzl.Entry) => {
      const place = entry.fileName.endsWith('/') ? undefined : rename(entry.fileName);
      if (place === undefined) return zip.readEntry();
      if (normalize(place).startsWith('..')) return reject(new NativeError(`${wheel} holds a path outside: ${place}`));
      write(zip, entry, join(folder, place)).then(() => {
        written++;
        zip.readEntry();
      }, reject);
    });
    zip.readEntry();
  });
}

function open(wheel: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(wheel, { lazyEntries: true }, (error, zip) =>
      error ? reject(new NativeError(`${wheel} is no readable wheel: ${error.message}`)) : resolve(zip),
    );
  });
}

async function write(zip: yauzl.ZipFile, entry: yauzl.Entry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  await pipeline(stream, createWriteStream(path));
}
