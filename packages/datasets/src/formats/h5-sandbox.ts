import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type * as h5wasm from 'h5wasm';
import { MhimError, writeFileAtomic } from '@mhim/tensor';

export type H5 = typeof h5wasm;
export type H5File = InstanceType<H5['File']>;

/**
 * Opens an HDF5 file for `use` and closes it after. The library sees a file system of its own that holds nothing but this
 * file, so links and external storage in it lead nowhere; its bytes are read from disk as they are asked for. A damaged file can crash
 * the library for good: it is loaded anew then, and the file, if it is not the one that did the damage, gets a second chance.
 * @throws MhimError `file-format` for a truncated or foreign file
 */
export async function withH5<T>(path: string, use: UseH5<T>): Promise<T> {
  const loading = load();
  try {
    return useFile(await loading, path, use);
  } catch (error) {
    if (!discardCrashed(loading, error)) throw error;
  }
  const again = load();
  try {
    return useFile(await again, path, use);
  } catch (error) {
    discardCrashed(again, error);
    throw error;
  }
}

type UseH5<T> = (file: H5File, size: number, module: H5Module) => T;

function useFile<T>({ h5, module }: Library, path: string, use: UseH5<T>): T {
  const disk = open(path);
  try {
    const { size } = fstatSync(disk);
    const inside = place(module, disk, size);
    try {
      return useAndClose(h5, inside, path, (file) => use(file, size, module));
    } finally {
      module.FS.unlink(inside);
    }
  } finally {
    closeSync(disk);
  }
}

/** Writes an HDF5 file, atomically. */
export async function writeH5(path: string, fill: (file: H5File) => void): Promise<void> {
  const { h5, module } = await load();
  const inside = nextName();
  try {
    const file = new h5.File(inside, 'w');
    fill(file);
    file.close();
    writeFileAtomic(path, module.FS.readFile(inside));
  } finally {
    if (module.FS.analyzePath(inside).exists) module.FS.unlink(inside);
  }
}

/** The error of a file that HDF5 does not understand. */
export function brokenH5(path: string, cause?: unknown): MhimError {
  return new MhimError('the file is truncated or no HDF5 file, or its data lie outside of it.', {
    code: 'file-format',
    path,
    hint: 'Copy it again, or extract the features of this slide again.',
    cause,
  });
}

/** What we use of the compiled library itself. */
export interface H5Module {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  get_dataset_data(file: bigint, path: string, count: null, offset: null, strides: null, pointer: bigint): void;
  /** Makes the library throw instead of printing its error stack. */
  activate_throwing_error_handler(): void;
  FS: {
    writeFile(path: string, bytes: Uint8Array): void;
    readFile(path: string): Uint8Array;
    unlink(path: string): void;
    analyzePath(path: string): { exists: boolean };
    lookupPath(path: string): { node: FileNode };
  };
}

interface FileNode {
  usedBytes: number;
  stream_ops: Record<string, unknown>;
}

interface Library {
  h5: H5;
  module: H5Module;
}

let library: Promise<Library> | undefined;
let crashes = 0;

function load(): Promise<Library> {
  return (library ??= instantiate());
}

async function instantiate(): Promise<Library> {
  // The package makes one instance a module, and Node one module an address.
  const h5 = (await (crashes === 0
    ? import('h5wasm')
    : import(/* @vite-ignore */ `${import.meta.resolve('h5wasm')}?instance=${crashes}`))) as H5;
  const module = (await h5.ready) as unknown as H5Module;
  module.activate_throwing_error_handler();
  return { h5, module };
}

/** Whether the library itself broke down, not only the reading of a file; it is not used again then. */
function discardCrashed(loaded: Promise<Library>, error: unknown): boolean {
  const { name } = ((error as Error).cause ?? {}) as { name?: string };
  // A trap of WebAssembly, or its stack at an end.
  if (name !== 'RuntimeError' && name !== 'RangeError') return false;
  if (library === loaded) {
    library = undefined;
    crashes += 1;
  }
  return true;
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new MhimError('there is no such file.', { code: 'file-missing', path, hint: 'Check the path.', cause });
  }
}

/** An empty file of the library's file system that has the size and content of the one on disk. */
function place(module: H5Module, disk: number, size: number): string {
  const inside = nextName();
  module.FS.writeFile(inside, new Uint8Array(0));
  const { node } = module.FS.lookupPath(inside);
  node.usedBytes = size;
  node.stream_ops = {
    ...node.stream_ops,
    read: (_stream: unknown, buffer: Uint8Array, offset: number, length: number, position: number) =>
      position >= size ? 0 : readSync(disk, buffer, offset, Math.min(length, size - position), position),
  };
  return inside;
}

let files = 0;
function nextName(): string {
  files += 1;
  return `/${files}.h5`;
}

function useAndClose<T>(h5: H5, inside: string, path: string, use: (file: H5File) => T): T {
  let file: H5File | undefined;
  try {
    file = new h5.File(inside, 'r');
    if (file.file_id < 0n) throw brokenH5(path);
    return use(file);
  } catch (cause) {
    throw cause instanceof MhimError ? cause : brokenH5(path, cause);
  } finally {
    try {
      file?.close();
    } catch {
      // A damaged file may refuse to be closed; it is unlinked anyway.
    }
  }
}
