import { MhimError } from '../errors.js';

/** Element types of tensor files, by safetensors' names. */
export type HostDtype =
  'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' | 'U8' | 'BOOL';

export type HostArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/** A tensor of a file, in ordinary memory. Half and bfloat16 come widened to float32. */
export interface HostTensor {
  /** As stored in the file. */
  dtype: HostDtype;
  shape: number[];
  /** Row by row. */
  data: HostArray;
}

/** Element types by NumPy's names, without the byte order. */
export const numpyTypes: Readonly<Record<string, HostDtype>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u8: 'U64',
  u4: 'U32',
  u2: 'U16',
  u1: 'U8',
  b1: 'BOOL',
};

/** Bytes of one element. */
export const elementBytes: Readonly<Record<HostDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

/** More axes than any framework has. */
const MAX_RANK = 64;

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Whether a file's claim can be a shape: sizes ≥ 0 whose product, even without the zeros among them, is an exact integer. */
export function isShape(value: unknown): value is number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK) return false;
  let product = 1;
  for (const size of value) {
    if (!Number.isSafeInteger(size) || size < 0) return false;
    product *= Math.max(1, size as number);
    if (product > Number.MAX_SAFE_INTEGER / 8) return false;
  }
  return true;
}

/** Typed values of little-endian bytes; shares their memory where it is aligned, so hand over bytes of your own. */
export function decodeElements(bytes: Uint8Array, dtype: HostDtype): HostArray {
  const width = elementBytes[dtype];
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const length = bytes.length / width;
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, byteOffset, length);
    case 'F32':
      return new Float32Array(buffer, byteOffset, length);
    case 'F16':
      return widenHalf(new Uint16Array(buffer, byteOffset, length));
    case 'BF16':
      return widenBrainFloat(new Uint16Array(buffer, byteOffset, length));
    case 'I64':
      return new BigInt64Array(buffer, byteOffset, length);
    case 'U64':
      return new BigUint64Array(buffer, byteOffset, length);
    case 'I32':
      return new Int32Array(buffer, byteOffset, length);
    case 'U32':
      return new Uint32Array(buffer, byteOffset, length);
    case 'I16':
      return new Int16Array(buffer, byteOffset, length);
    case 'U16':
      return new Uint16Array(buffer, byteOffset, length);
    case 'I8':
      return new Int8Array(buffer, byteOffset, length);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(buffer, byteOffset, length);
  }
}

/** Any numeric tensor as float32. Integers beyond 2^24 lose digits, as they do in PyTorch. */
export function toFloat32({ data }: HostTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const wide = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) wide[i] = Number(data[i]);
    return wide;
  }
  return new Float32Array(data);
}

/** Any integer tensor as int32. @throws MhimError `file-format` for a value that does not fit */
export function toInt32({ data }: HostTensor, path?: string): Int32Array {
  if (data instanceof Int32Array) return data;
  return Int32Array.from(data as ArrayLike<number>, (value) => {
    const number = Number(value);
    if (number !== (number | 0)) {
      throw new MhimError(`${number} is no 32-bit integer.`, { code: 'file-format', path });
    }
    return number;
  });
}

let halfTable: Float32Array | undefined;

/** IEEE half precision → float32, exactly, through a table of all 65,536 values. */
export function widenHalf(bits: Uint16Array): Float32Array {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, half) => {
    const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  const wide = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = halfTable[bits[i] as number] as number;
  return wide;
}

/** float32 → IEEE half precision, rounded to nearest, ties to even; beyond 65,504 infinity. */
export function narrowHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const narrow = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const bit = bits[i] as number;
    const sign = (bit >>> 16) & 0x8000;
    const magnitude = bit & 0x7fffffff;
    if (magnitude >= 0x7f800000) narrow[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (magnitude >= 0x477ff000) narrow[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) {
      // Normal: drop 13 fraction bits, rounding; a carry runs into the exponent, as it should.
      narrow[i] = sign | ((magnitude - 0x38000000 + 0x0fff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // Subnormal: a multiple of 2^-24.
      const scaled = Math.abs(values[i] as number) * 2 ** 24;
      const floor = Math.floor(scaled);
      const rest = scaled - floor;
      narrow[i] = sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
    }
  }
  return narrow;
}

function widenBrainFloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}
