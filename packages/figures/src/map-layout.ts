import type { Numbers } from './report-data.js';

/** Where the instances of a bag lie on a map, as marks of which each stands for one instance or, on crowded maps, for several. */
export interface MapLayout {
  /** Size of the drawing in pixels. */
  width: number;
  height: number;
  shape: 'square' | 'disc';
  /** Side or diameter of a mark, pixels. */
  size: number;
  /** Centres of the marks, pixels. */
  marks: readonly { x: number; y: number; instances: readonly number[] }[];
  /** Whether some mark stands for several instances. */
  isMerged: boolean;
  /** Pixels per unit of the coordinates. */
  scale: number;
}

export interface MapRoom {
  width: number;
  maxHeight: number;
  /** Above so many instances (and where marks would be too small to see) neighbours share a mark. */
  maxMarks: number;
}

/**
 * Fits coordinates [n, 2] into the room, aspect kept. Instances on a grid become squares of the grid, others discs. Crowded ones are merged
 * on a square mesh, so the size of a map is bounded whatever the bag's.
 */
export function layoutMap(coords: Numbers, { width, maxHeight, maxMarks }: MapRoom, patchSize?: number): MapLayout {
  const instances = coords.length / 2;
  const [xs, ys] = [axisRange(coords, 0), axisRange(coords, 1)];
  const grid = patchSize !== undefined && patchSize > 0 ? patchSize : gridStep(coords);
  const extent = Math.max(xs.length, ys.length);
  const cell = grid ?? (extent > 0 ? Math.max(extent / 40, Math.sqrt((xs.length * ys.length) / instances) * 0.6) : 1);
  const [spanX, spanY] = [xs.length + cell, ys.length + cell];
  const scale = Math.min(width / spanX, maxHeight / spanY, 28 / cell);
  const pixels = cell * scale;
  const place = (i: number) => ({
    x: ((coords[2 * i] as number) - xs.from + cell / 2) * scale,
    y: ((coords[2 * i + 1] as number) - ys.from + cell / 2) * scale,
  });
  const layout = { width: Math.max(spanX * scale, 1), height: Math.max(spanY * scale, 1), scale };
  const isCrowded = instances > maxMarks || pixels < LEAST_MARK;
  if (!isCrowded) {
    const marks = Array.from({ length: instances }, (_, i) => ({ ...place(i), instances: [i] }));
    const isGrid = grid !== null;
    const size = isGrid ? pixels : Math.min(Math.max(pixels, 3.5), 14);
    return { ...layout, shape: isGrid ? 'square' : 'disc', size, marks, isMerged: false };
  }
  const least = Math.max(LEAST_MARK, Math.sqrt((layout.width * layout.height) / maxMarks));
  // Whole numbers of patches a mark, or neighbouring marks would hold different numbers of patches.
  const mesh = grid === null ? least : Math.ceil(least / pixels - 1e-9) * pixels;
  const marks = merged(instances, place, mesh);
  return { ...layout, shape: 'square', size: mesh, marks, isMerged: marks.length < instances };
}

const LEAST_MARK = 3;

function axisRange(coords: Numbers, offset: 0 | 1): { from: number; length: number } {
  let [from, to] = [Infinity, -Infinity];
  for (let i = offset; i < coords.length; i += 2) {
    from = Math.min(from, coords[i] as number);
    to = Math.max(to, coords[i] as number);
  }
  return coords.length === 0 ? { from: 0, length: 0 } : { from, length: to - from };
}

/** The step of which all coordinates are multiples and which neighbours really take, or null where they lie on no grid. */
export function gridStep(coords: Numbers): number | null {
  const steps = [0, 1].flatMap((offset) => {
    const values = new Set<number>();
    for (let i = offset; i < coords.length; i += 2) values.add(coords[i] as number);
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.slice(1).map((value, i) => value - (sorted[i] as number));
  });
  if (steps.length === 0) return null;
  const step = steps.reduce((least, value) => Math.min(least, value), Infinity);
  const onGrid = steps.every((value) => Math.abs(value / step - Math.round(value / step)) < 1e-3);
  // Scattered integer coordinates are multiples of 1 as well, but then instances by far exceed the rows and columns they lie in.
  const taken = steps.filter((value) => value < 1.5 * step).length;
  return onGrid && taken >= steps.length * 0.8 && coords.length / 2 >= steps.length ? step : null;
}

function merged(
  instances: number,
  place: (i: number) => { x: number; y: number },
  mesh: number,
): { x: number; y: number; instances: number[] }[] {
  const marks = new Map<string, { x: number; y: number; instances: number[] }>();
  for (let i = 0; i < instances; i++) {
    const { x, y } = place(i);
    const [column, row] = [Math.floor(x / mesh), Math.floor(y / mesh)];
    const key = `${row} ${column}`;
    const mark = marks.get(key) ?? { x: (column + 0.5) * mesh, y: (row + 0.5) * mesh, instances: [] };
    mark.instances.push(i);
    marks.set(key, mark);
  }
  return [...marks.values()];
}
