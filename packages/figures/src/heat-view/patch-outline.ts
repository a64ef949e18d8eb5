import type { Numbers } from '../report-data.js';

/** A straight line, level-0 pixels: x1, y1, x2, y2. */
export type Edge = readonly [number, number, number, number];

/** Patches off a grid are outlined to this part of their side. */
const STEPS = 8;

/**
 * The outline of the area that the chosen patches cover together, as horizontal and vertical lines: exact for patches on a grid,
 * to an eighth of a patch for others.
 * @param coords [n, 2], upper left corners
 */
export function patchOutline(coords: Numbers, size: number, isChosen: (index: number) => boolean): Edge[] {
  const chosen = Array.from({ length: coords.length / 2 }, (_, i) => i).filter(isChosen);
  if (chosen.length === 0) return [];
  const [xs, ys] = [0, 1].map((axis) => chosen.map((i) => coords[2 * i + axis] as number)) as [number[], number[]];
  const [left, top] = [least(xs), least(ys)];
  const isOnGrid = chosen.every(
    (_, i) => isWhole(((xs[i] as number) - left) / size) && isWhole(((ys[i] as number) - top) / size),
  );
  const steps = isOnGrid ? 1 : STEPS;
  const cell = size / steps;
  const covered = cells(xs, ys, left, top, cell, steps);
  return [
    ...boundary(covered, 0, (at, from, to) => [left + from * cell, top + at * cell, left + to * cell, top + at * cell]),
    ...boundary(covered, 1, (at, from, to) => [left + at * cell, top + from * cell, left + at * cell, top + to * cell]),
  ];
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-6;
}

/** Wider than any slide has cells. */
const STRIDE = 2 ** 25;

/** Cells that patches cover, as row · STRIDE + column; both from 1 on, so that there are neighbours on all sides. */
function cells(xs: number[], ys: number[], left: number, top: number, cell: number, steps: number): Set<number> {
  const covered = new Set<number>();
  xs.forEach((x, i) => {
    const column = Math.round((x - left) / cell) + 1;
    const row = Math.round(((ys[i] as number) - top) / cell) + 1;
    for (let r = row; r < row + steps; r++) {
      for (let c = column; c < column + steps; c++) covered.add(r * STRIDE + c);
    }
  });
  return covered;
}

/** Lines between covered and other cells along one axis (0: horizontal ones), neighbours joined. */
function boundary(
  covered: ReadonlySet<number>,
  axis: 0 | 1,
  edge: (at: number, from: number, to: number) => Edge,
): Edge[] {
  const step = axis === 0 ? STRIDE : 1;
  const lines = new Map<number, number[]>();
  const add = (at: number, place: number) => {
    const line = lines.get(at);
    if (line) line.push(place);
    else lines.set(at, [place]);
  };
  for (const cell of covered) {
    const [row, column] = [Math.floor(cell / STRIDE) - 1, (cell % STRIDE) - 1];
    const [at, place] = axis === 0 ? [row, column] : [column, row];
    if (!covered.has(cell - step)) add(at, place);
    if (!covered.has(cell + step)) add(at + 1, place);
  }
  return [...lines].flatMap(([at, places]) => {
    const runs: [number, number][] = [];
    for (const place of places.sort((a, b) => a - b)) {
      const last = runs.at(-1);
      if (last && last[1] >= place) last[1] = place + 1;
      else runs.push([place, place + 1]);
    }
    return runs.map(([from, to]) => edge(at, from, to));
  });
}
