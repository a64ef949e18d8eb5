import { describe, expect, it } from 'vitest';
import { Rng } from '@mhim/tensor';
import { gridPositions, type GridPositions } from './grid-positions.js';
import { simulatedSlides } from './simulated.js';

const pairs = ({ xy }: GridPositions) => Array.from({ length: xy.length / 2 }, (_, i) => [xy[2 * i], xy[2 * i + 1]]);
const taken = (positions: GridPositions) => new Set(pairs(positions).map(String)).size;

function block(width: number, height: number, step: number, origin: [number, number]): number[] {
  const cells = Array.from({ length: width * height }, (_, i) => [i % width, Math.floor(i / width)] as const);
  return cells.flatMap(([x, y]) => [origin[0] + x * step, origin[1] + y * step]);
}

describe('patches on a grid', () => {
  it('get their columns and rows, from the smallest coordinates on', () => {
    const positions = gridPositions([512, 1024, 1024, 1024, 512, 1536, 1536, 1536]);
    expect(pairs(positions)).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
      [2, 1],
    ]);
    expect([positions.width, positions.height]).toEqual([3, 2]);
  });

  it.each([256, 112.345, 0.5])('of step %d, in any unit and of any float rounding', (step) => {
    const positions = gridPositions(Float32Array.from(block(40, 30, step, [77.7, 1e4])));
    expect(pairs(positions)).toEqual(pairs({ xy: Int32Array.from(block(40, 30, 1, [0, 0])), width: 40, height: 30 }));
  });

  it('are found with most of them missing', () => {
    const all = block(50, 50, 224, [0, 0]);
    const some = Array.from({ length: 2500 }, (_, i) => i).filter(
      (i) => (i * 7919) % 10 === 0 || i === 0 || i === 2499,
    );
    const positions = gridPositions(some.flatMap((i) => all.slice(2 * i, 2 * i + 2)));
    expect(pairs(positions)).toEqual(some.map((i) => [i % 50, Math.floor(i / 50)]));
  });

  it('cut contour by contour are rounded to the grid of the first, none lost', () => {
    const contours = [
      ...block(20, 20, 256, [0, 0]),
      ...block(10, 15, 256, [5400, 133]),
      ...block(8, 8, 256, [4950, 3500]),
    ];
    const positions = gridPositions(contours);
    expect(taken(positions)).toBe(contours.length / 2);
    expect(pairs(positions).slice(0, 400)).toEqual(
      pairs({ xy: Int32Array.from(block(20, 20, 1, [0, 0])), width: 0, height: 0 }),
    );
    expect([positions.width, positions.height]).toEqual([31, 22]);
  });

  it('of simulated slides keep their places', async () => {
    const { coords, instances } = await simulatedSlides({
      slides: 2,
      instances: 300,
      seed: 1,
      width: 8,
      patchSize: 256,
    }).read(0);
    const positions = gridPositions(coords as Float32Array);
    const least = [0, 1].map((axis) => Math.min(...(coords as Float32Array).filter((_, k) => k % 2 === axis)));
    const expected = Array.from({ length: instances }, (_, i) =>
      [0, 1].map((axis) => ((coords?.[2 * i + axis] as number) - (least[axis] as number)) / 256),
    );
    expect(pairs(positions)).toEqual(expected);
  });

  it('take the step that they are given', () => {
    const { width, height } = gridPositions([0, 0, 1024, 2048], { step: 512 });
    expect([width, height]).toEqual([3, 5]);
  });
});

describe('instances that lie on no grid', () => {
  const scattered = (n: number, seed = 1) => Array.from(new Rng(seed).uniform([2 * n]).dataSync(), (v) => v * 5000);

  it.each([1, 2, 3, 50, 2000])('get a cell each, %i of them, near their own place', (n) => {
    const coords = scattered(n);
    const positions = gridPositions(coords);
    expect(taken(positions)).toBe(n);
    expect(positions.width * positions.height).toBeLessThan(Math.max(8 * n, 1.7 * n + 10));
    if (n < 2000) return;
    const off = pairs(positions).map(([x, y], i) =>
      Math.hypot(
        (x as number) / positions.width - (coords[2 * i] as number) / 5000,
        (y as number) / positions.height - (coords[2 * i + 1] as number) / 5000,
      ),
    );
    expect(off.reduce((a, b) => a + b) / n).toBeLessThan(1.5 / positions.width);
  });

  it('may be as crowded as they like, at whole pixels too', () => {
    const clustered = scattered(3000).map((value, k) => Math.round(k % 3 === 0 ? value : value / 50));
    const positions = gridPositions(clustered);
    expect(taken(positions)).toBe(3000);
    expect(positions.width * positions.height).toBeLessThan(6000);
    expect(gridPositions(clustered)).toEqual(positions);
  });

  it('may all lie at one place, or on a line', () => {
    expect(taken(gridPositions(Array<number>(40).fill(7)))).toBe(20);
    const line = gridPositions(scattered(30).map((value, k) => (k % 2 === 0 ? value : 4)));
    expect([taken(line), line.height]).toEqual([30, 1]);
  });

  it('go to the nearest free cell, of equally near ones the topmost, then the leftmost', () => {
    // All of 3 × 3 cells but the middle ones of the first row and the first column; then three more in the middle.
    const all = block(3, 3, 10, [0, 0]);
    const others = [0, 2, 4, 5, 6, 7, 8].flatMap((i) => all.slice(2 * i, 2 * i + 2));
    const positions = gridPositions([...others, 11, 11, 9, 12, 0, 20], { step: 10 });
    expect(pairs(positions).slice(-3)).toEqual([
      [1, 0],
      [0, 1],
      [0, 3],
    ]);
  });
});

it('says which coordinates cannot be', () => {
  expect(() => gridPositions([0, 1, 2])).toThrow(/3 numbers/);
  expect(() => gridPositions([0, 1, 2, NaN])).toThrow(/instance 1 hold NaN/);
  expect(gridPositions([])).toEqual({ xy: new Int32Array(0), width: 1, height: 1 });
});
