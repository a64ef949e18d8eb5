import { MhimError } from '@mhim/tensor';

/** Values of one tensor in their own precision. */
export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

const views = { F32: Float32Array, F64: Float64Array, I32: Int32Array, U8: Uint8Array, BOOL: Uint8Array } as const;

/**
 * Reads the tensors of a fixture file. The shipped reader of `@mhim/tensor` is for parameters; fixtures also hold float64,
 * whose digits count here.
 */
export function parseFixture(file: Buffer, path: string): Map<string, { shape: number[]; data: Values }> {
  const broken = (what: string) => new MhimError(what, { code: 'file-format', path });
  if (file.length < 8) throw broken('the file is shorter than a safetensors header.');
  const start = 8 + Number(file.readBigUInt64LE(0));
  if (start > file.length) throw broken('the header reaches beyond the end of the file.');
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, Entry>;
  const tensors = new Map<string, { shape: number[]; data: Values }>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const View = views[dtype as keyof typeof views];
    if (!View) throw broken(`tensor ${name} has the unknown type ${dtype}.`);
    const bytes = Uint8Array.from(file.subarray(start + offsets[0], start + offsets[1]));
    const size = shape.reduce((a, b) => a * b, 1);
    if (bytes.length !== size * View.BYTES_PER_ELEMENT) throw broken(`tensor ${name} is cut short.`);
    tensors.set(name, { shape, data: new View(bytes.buffer) });
  }
  return tensors;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
