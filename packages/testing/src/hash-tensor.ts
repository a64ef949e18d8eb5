/** How a large tensor of a fixture is made instead of stored (conformance README §4). */
export interface HashTensor {
  shape: number[];
  seed: number;
  scale: number;
  offset: number;
}

/** The values of a hashed tensor, row by row: h(i, seed) in [−1, 1) times scale plus offset. */
export function hashTensor({ shape, seed, scale, offset }: HashTensor): Float32Array {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) {
    let h = (Math.imul(i + 1, 0x9e3779b1) + seed) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) >>> 0;
    values[i] = ((h >>> 8) / 0x800000 - 1) * scale + offset;
  }
  return values;
}
