import {
  decodeElements,
  elementBytes,
  encodeElements,
  isShape,
  MhimError,
  numpyTypes,
  openForReading,
  readExactly,
  sizeOf,
  truncated,
  writeFileAtomic,
  type HostDtype,
  type HostTensor,
} from '@mhim/tensor';

const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * Reads a NumPy `.npy` file of numbers; object arrays (pickles) are refused.
 * @throws MhimError `file-format`, `unsafe-file`
 */
export async function readNpy(path: string): Promise<HostTensor> {
  const handle = await openForReading(path);
  try {
    const { size } = await handle.stat();
    if (size < 12) throw truncated(path);
    const start = Buffer.from(await readExactly(handle, 0, 12, path));
    if (start.toString('latin1', 0, 6) !== '\x93NUMPY') throw corrupt(path, 'it is no NumPy file');
    const wide = (start[6] as number) >= 2;
    const length = wide ? start.readUInt32LE(8) : start.readUInt16LE(8);
    if (length > MAX_HEADER_BYTES) throw corrupt(path, 'its header is too long');
    const at = wide ? 12 : 10;
    const header = Buffer.from(await readExactly(handle, at, length, path)).toString('latin1');
    const { dtype, shape, fortran } = parseHeader(header, path);
    const bytes = sizeOf(shape) * elementBytes[dtype];
    if (at + length + bytes > size) throw truncated(path);
    const data = decodeElements(await readExactly(handle, at + length, bytes, path), dtype);
    return fortran ? transposed({ dtype, shape, data }, path) : { dtype, shape, data };
  } finally {
    await handle.close();
  }
}

/** Writes a NumPy `.npy` file of float32, or of float16 where the tensor says so. */
export function writeNpy(path: string, tensor: HostTensor): void {
  const descr = tensor.dtype === 'F16' ? '<f2' : '<f4';
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tensor.shape.join(', ')}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length, 8);
  header.write(text, 10);
  header.write('\n', 9 + length);
  writeFileAtomic(path, [header, encodeElements(path, tensor)]);
}

/** The header is a Python dictionary of three known keys. */
function parseHeader(header: string, path: string): { dtype: HostDtype; shape: number[]; fortran: boolean } {
  const descr = header.match(/'descr':\s*'([<>|=]?)([a-zA-Z]\d*)'/);
  const order = header.match(/'fortran_order':\s*(True|False)/);
  const sizes = header.match(/'shape':\s*\(([^()]*)\)/);
  if (!descr || !order || !sizes) throw corrupt(path, 'its header is not understood');
  if (descr[2] === 'O') {
    throw new MhimError('holds Python objects, not numbers.', {
      code: 'unsafe-file',
      path,
      hint: 'It was not loaded. Save a plain numeric array.',
    });
  }
  const dtype = numpyTypes[descr[2] as string];
  if (!dtype || descr[1] === '>') throw corrupt(path, `its type ${descr[1]}${descr[2]} is not supported`);
  const shape = (sizes[1] as string)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    // Python 2 wrote `3L`.
    .map((part) => (/^\d+L?$/.test(part) ? Number.parseInt(part, 10) : Number.NaN));
  if (!isShape(shape)) throw corrupt(path, `its shape (${sizes[1]}) is impossible`);
  return { dtype, shape, fortran: order[1] === 'True' };
}

/** Column by column to row by row; a leading axis of one changes nothing. */
function transposed({ dtype, shape, data }: HostTensor, path: string): HostTensor {
  const sizes = shape.filter((size) => size !== 1);
  if (sizes.length < 2) return { dtype, shape, data };
  if (sizes.length > 2) throw corrupt(path, `its order (Fortran) of shape (${shape}) is not supported`);
  const [rows, columns] = sizes as [number, number];
  const result = data.slice();
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) result[r * columns + c] = data[c * rows + r] as never;
  return { dtype, shape, data: result };
}

function corrupt(path: string, what: string): MhimError {
  return new MhimError(`cannot be read: ${what}.`, {
    code: 'file-format',
    path,
    hint: 'Save it again with numpy.save.',
  });
}
