import { MhimError } from '@mhim/tensor';

/** Columns and rows of a bag's instances on a grid, no two in one cell. */
export interface GridPositions {
  /** [n, 2], column and row, from 0. */
  xy: Int32Array;
  /** Columns of the grid. */
  width: number;
  /** Rows of the grid. */
  height: number;
}

export interface GridPositionsOptions {
  /** Distance of neighbouring patches, in the unit of the coordinates; default: taken from them. */
  step?: number;
}

/** Instances evenly on a square grid of twice as many cells, about what tissue takes of its slide: to time models with. */
export function halfFilledGrid(instances: number): GridPositions {
  const side = Math.ceil(Math.sqrt(2 * instances));
  const cells = Array.from({ length: instances }, (_, i) => Math.floor((i * side * side) / instances));
  const xy = Int32Array.from(cells.flatMap((cell) => [cell % side, Math.floor(cell / side)]));
  return { xy, width: side, height: side };
}

/** Share of the cells that are taken where the coordinates lie on no grid, so that crowded instances find a free cell near. */
const FILL = 0.7;

/** More cells than this for each instance are no patch grid. */
const SPARSEST = 100;

/** Distances that differ by less are the same: coordinates in micrometres are rounded. */
const TOLERANCE = 0.01;

/**
 * Places on the patch grid, from coordinates [n, 2] as bags have them. The grid starts at the smallest x and y and ends at the
 * largest.
 *
 * The step of the grid is the commonest distance of neighbours in a row or column; patches cut contour by contour, each from
 * its own origin, are rounded to it. Where there is no such distance (nuclei, cells) the step is such that 70 % of the cells
 * would be taken. An instance whose cell is taken by an earlier one goes to the nearest free one: of equally near ones the
 * topmost, then the leftmost. The same coordinates always give the same places.
 * @throws MhimError `data` unless the coordinates are pairs of finite numbers
 */
export function gridPositions(coords: ArrayLike<number>, { step }: GridPositionsOptions = {}): GridPositions {
  const instances = coords.length / 2;
  if (!Number.isInteger(instances)) {
    throw new MhimError(`expected x and y of every instance, got ${coords.length} numbers.`, { code: 'data' });
  }
  const [xs, ys] = [extentOf(coords, 0), extentOf(coords, 1)];
  const side = step ?? patchStep(coords, xs.length, ys.length) ?? looseStep(instances, xs.length, ys.length);
  const width = Math.max(1, Math.round(xs.length / side) + 1);
  const height = Math.max(Math.round(ys.length / side) + 1, Math.ceil(instances / width), 1);
  const free = new FreeCells(width, height);
  const xy = new Int32Array(2 * instances);
  for (let i = 0; i < instances; i++) {
    const column = Math.round(((coords[2 * i] as number) - xs.from) / side);
    const row = Math.round(((coords[2 * i + 1] as number) - ys.from) / side);
    xy.set(free.takeNearest(column, row), 2 * i);
  }
  return { xy, width, height };
}

function extentOf(coords: ArrayLike<number>, axis: 0 | 1): { from: number; length: number } {
  let [from, to] = [Infinity, -Infinity];
  for (let k = axis; k < coords.length; k += 2) {
    const value = coords[k] as number;
    if (!Number.isFinite(value)) {
      throw new MhimError(`the coordinates of instance ${k >> 1} hold ${value}.`, {
        code: 'data',
        hint: 'Extract this slide again.',
      });
    }
    from = Math.min(from, value);
    to = Math.max(to, value);
  }
  return coords.length === 0 ? { from: 0, length: 0 } : { from, length: to - from };
}

/** The distance that neighbours in a row or column most often have, if it is the step of a grid that holds them. */
function patchStep(coords: ArrayLike<number>, width: number, height: number): number | undefined {
  const distances = Float64Array.from([...neighbourDistances(coords, 0), ...neighbourDistances(coords, 1)]).sort();
  const step = commonest(distances);
  // Where hardly anybody has a neighbour in a row or column, those that have one have it by chance.
  if (step === undefined || distances.length < coords.length / 4) return undefined;
  const cells = (width / step + 1) * (height / step + 1);
  const multiples = distances.filter(
    (distance) => Math.abs(distance / step - Math.round(distance / step)) < TOLERANCE * 2,
  );
  const onGrid = multiples.length >= 0.9 * distances.length;
  return onGrid && cells <= SPARSEST * (coords.length / 2) ? step : undefined;
}

/** Distances along `axis` from each instance to the next that has the same other coordinate. */
function neighbourDistances(coords: ArrayLike<number>, axis: 0 | 1): number[] {
  const lines = new Map<number, number[]>();
  for (let k = 0; k < coords.length; k += 2) {
    const line = coords[k + 1 - axis] as number;
    const places = lines.get(line);
    if (places) places.push(coords[k + axis] as number);
    else lines.set(line, [coords[k + axis] as number]);
  }
  const distances: number[] = [];
  for (const places of lines.values()) {
    const sorted = Float64Array.from(places).sort();
    for (let i = 1; i < sorted.length; i++) {
      const distance = (sorted[i] as number) - (sorted[i - 1] as number);
      if (distance > 0) distances.push(distance);
    }
  }
  return distances;
}

/** The middle of the longest run of sorted values that are the same up to {@link TOLERANCE}; of equally long ones the first. */
function commonest(sorted: Float64Array): number | undefined {
  let [best, first] = [{ count: 0, middle: undefined as number | undefined }, 0];
  for (let last = 0; last < sorted.length; last++) {
    while ((sorted[last] as number) > (sorted[first] as number) * (1 + TOLERANCE)) first++;
    const count = last - first + 1;
    if (count > best.count) best = { count, middle: sorted[(first + last) >> 1] };
  }
  return best.middle;
}

/** A step at which {@link FILL} of the cells of the instances' box would be taken. */
function looseStep(instances: number, width: number, height: number): number {
  const longer = Math.max(width, height);
  if (!(longer > 0)) return 1;
  // A box that is a line has no area, and takes one instance after the other.
  const area = Math.max(width * height, (longer * longer) / instances);
  return Math.sqrt((FILL * area) / instances);
}

/** The cells of a grid that nobody has taken. */
class FreeCells {
  /** For each cell, itself while it is free, else one nearer to the next free cell of its row: to the left, to the right. */
  private readonly left: Int32Array;
  private readonly right: Int32Array;

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    // One column more at either end, which is never free, stops the search.
    this.left = Int32Array.from({ length: (width + 2) * height }, (_, cell) => cell);
    this.right = this.left.slice();
  }

  /** Takes the free cell nearest to one. @returns its column and row */
  takeNearest(column: number, row: number): [number, number] {
    const x = Math.min(Math.max(column, 0), this.width - 1);
    const y = Math.min(Math.max(row, 0), this.height - 1);
    let best: { distance: number; column: number; row: number } | undefined;
    for (let away = 0; away < this.height && !(best && away * away > best.distance); away++) {
      for (const line of away === 0 ? [y] : [y - away, y + away]) {
        if (line < 0 || line >= this.height) continue;
        for (const place of [this.next(this.left, x, line), this.next(this.right, x, line)]) {
          if (place < 0 || place >= this.width) continue;
          const distance = (place - x) ** 2 + away * away;
          const better =
            !best ||
            distance < best.distance ||
            (distance === best.distance && (line < best.row || (line === best.row && place < best.column)));
          if (better) best = { distance, column: place, row: line };
        }
      }
    }
    const { column: taken, row: of } = best as { column: number; row: number };
    const cell = of * (this.width + 2) + taken + 1;
    this.left[cell] = cell - 1;
    this.right[cell] = cell + 1;
    return [taken, of];
  }

  /** The free column of a row nearest to x on one side; −1 or the width where there is none. */
  private next(links: Int32Array, x: number, row: number): number {
    const start = row * (this.width + 2);
    let cell = start + x + 1;
    while (links[cell] !== cell) {
      // Halving the path keeps later searches short.
      const link = links[cell] as number;
      links[cell] = links[link] as number;
      cell = links[cell] as number;
    }
    return cell - start - 1;
  }
}
