import { closeSync, openSync, readSync } from 'node:fs';
import { readSafetensors, readTorchTensors, type HostTensor } from '@mhim/tensor';

/** Name, type, shape and range of a stored tensor. */
export interface TensorSummary {
  name: string;
  dtype: string;
  shape: number[];
  /** Null where no value is finite. */
  min: number | null;
  max: number | null;
  mean: number | null;
  /** Values that are NaN or infinite; the range leaves them out. */
  nonFinite: number;
}

export interface TensorFile {
  format: 'PyTorch' | 'safetensors';
  tensors: Map<string, HostTensor>;
}

/** Reads all tensors of a PyTorch or safetensors file, told apart by their first bytes. */
export async function readTensorFile(path: string): Promise<TensorFile> {
  if (startsLikeTorch(path)) return { format: 'PyTorch', tensors: await readTorchTensors(path) };
  const { tensors } = await readSafetensors(path);
  return { format: 'safetensors', tensors };
}

export function summarise(name: string, { dtype, shape, data }: HostTensor): TensorSummary {
  let [min, max, sum, finite] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (!Number.isFinite(value)) continue;
    finite++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const none = finite === 0;
  return {
    name,
    dtype,
    shape,
    min: none ? null : min,
    max: none ? null : max,
    mean: none ? null : sum / finite,
    nonFinite: data.length - finite,
  };
}

function startsLikeTorch(path: string): boolean {
  if (/\.safetensors$/i.test(path)) return false;
  const start = Buffer.alloc(9);
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch {
    // The reader says what is wrong with the file.
    return !/\.safetensors$/i.test(path);
  }
  try {
    readSync(handle, start, 0, start.length, 0);
  } finally {
    closeSync(handle);
  }
  return start[8] !== 0x7b;
}
