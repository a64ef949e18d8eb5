import { crc32 } from 'node:zlib';
import { MhimError } from '@mhim/tensor';
import { boundingBox, type Contours, type Polygon } from '@mhim/slides';
import type { ConformanceCase, Outputs } from '../conformance-case.js';

/**
 * Compares facts that are no tensors with the case's `values`, by dotted name; what the case does not give is not compared.
 * @throws MhimError `data` listing what differs
 */
export function expectSame(fixture: ConformanceCase, ...facts: Record<string, unknown>[]): void {
  const wrong: string[] = [];
  for (const [name, got] of facts.flatMap((fact) => Object.entries(fact))) {
    const want = lookUp(fixture.values, name);
    if (want === undefined || same(got, want)) continue;
    wrong.push(`${name} is ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);
  }
  if (wrong.length > 0) throw new MhimError(`${wrong.slice(0, 8).join('; ')}.`, { code: 'data', path: fixture.name });
}

function lookUp(values: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(values, name)) return values[name];
  return name
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined | null)?.[key], values);
}

/** Numbers to 12 digits; the cases round theirs to six decimals at least. */
function same(got: unknown, want: unknown): boolean {
  if (typeof got === 'number' && typeof want === 'number') return Math.abs(got - want) <= 1e-6 + 1e-12 * Math.abs(want);
  if (Array.isArray(got) && Array.isArray(want))
    return got.length === want.length && got.every((value, i) => same(value, want[i]));
  if (isObject(got) && isObject(want)) {
    const keys = new Set([...Object.keys(got), ...Object.keys(want)]);
    return [...keys].every((key) => same(got[key], want[key]));
  }
  return got === want;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function crcOf(bytes: Uint8Array): number {
  return crc32(bytes);
}

/** How often each of the 256 values occurs. */
export function histogramOf(bytes: Uint8Array): Int32Array {
  const counts = new Int32Array(256);
  for (const value of bytes) counts[value] = (counts[value] as number) + 1;
  return counts;
}

/** Lengths of runs of zeros and non-zeros in turn, zeros first. */
export function runLengths(bytes: Uint8Array): number[] {
  const runs: number[] = [];
  let [ink, length] = [false, 0];
  for (const value of bytes) {
    if ((value !== 0) === ink) length++;
    else {
      runs.push(length);
      [ink, length] = [!ink, 1];
    }
  }
  return [...runs, length];
}

export function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (const value of bytes) sum += value;
  return sum;
}

export function boxesOf(polygons: readonly Polygon[]): number[] {
  return polygons.flatMap((polygon) => boundingBox(polygon));
}

/** Polygons end to end, with the start of each and the end. */
export function joined(polygons: readonly Polygon[]): { points: Int32Array; offsets: number[] } {
  const offsets = [0];
  for (const polygon of polygons) offsets.push((offsets.at(-1) as number) + polygon.length / 2);
  const points = new Int32Array(2 * (offsets.at(-1) as number));
  polygons.forEach((polygon, i) => points.set(polygon, 2 * (offsets[i] as number)));
  return { points, offsets };
}

export function contourOutputs(name: string, { polygons, hierarchy, areas }: Contours): Outputs {
  const { points, offsets } = joined(polygons);
  return {
    [`${name}.pts`]: points,
    [`${name}.off`]: offsets,
    [`${name}.hierarchy`]: hierarchy,
    [`${name}.area`]: areas,
    [`${name}.bbox`]: boxesOf(polygons),
  };
}
