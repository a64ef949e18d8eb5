import { Draws, smoothField } from './simulated-noise.js';

/** What a patch of a simulated slide shows. */
export const PATCH_KINDS = ['benign', 'mimic', 'easy tumour', 'hard tumour', 'blurred', 'pen mark'] as const;
export type PatchKind = (typeof PATCH_KINDS)[number];

export const TISSUE_TYPES = 6;

export interface LayoutPlan {
  readonly instances: number;
  readonly positive: boolean;
  /** Share of a positive slide's patches that are tumour, [least, most]. */
  readonly tumourShare: readonly [number, number];
  /** Share of tumour patches that look little different from benign ones. */
  readonly hardShare: number;
  /** Share of benign patches that look a little like tumour. */
  readonly mimicShare: number;
  /** Share of patches that are blurred or marked with a pen. */
  readonly artefactShare: number;
  /** Side of a patch at the finest level, in pixels. */
  readonly patchSize: number;
}

/** Where the patches of a simulated slide lie and what they show; everything but the features. */
export interface SlideLayout {
  /** [n, 2], level-0 pixels, row by row of the slide. */
  readonly coords: Float32Array;
  /** [n], places in {@link PATCH_KINDS}. */
  readonly kinds: Uint8Array;
  /** [n], 0 … TISSUE_TYPES−1. */
  readonly tissue: Uint8Array;
  /** [n, 2], position in the unit square. */
  readonly places: Float64Array;
}

/** Lays a slide out: a tissue of a few lobes, types in patches, tumours in one to three foci, artefacts in spots and lines. */
export function layOut(key: number, plan: LayoutPlan): SlideLayout {
  const draws = new Draws(key);
  const { cells, side } = tissueCells(draws, plan.instances);
  const places = Float64Array.from(cells.flatMap((cell) => [(cell % side) / side, Math.floor(cell / side) / side]));
  const margin = plan.patchSize * draws.integer(1, 8);
  return {
    coords: Float32Array.from(places, (place) => margin + Math.round(place * side) * plan.patchSize),
    kinds: kindsOf(draws, places, plan),
    tissue: tissueTypes(draws, places),
    places,
  };
}

/** The n cells of a square grid that lie deepest in a union of ellipses with a ragged edge. */
function tissueCells(draws: Draws, n: number): { cells: number[]; side: number } {
  const side = Math.ceil(Math.sqrt(2.2 * n)) + 1;
  const ragged = smoothField(draws, 9);
  const lobes = Array.from({ length: draws.integer(1, 3) }, () => ({
    x: draws.uniform(0.3, 0.7),
    y: draws.uniform(0.3, 0.7),
    a: 1 / squareOf(draws.uniform(0.15, 0.4)),
    b: 1 / squareOf(draws.uniform(0.15, 0.4)),
    slant: draws.uniform(-0.6, 0.6),
  }));
  const depth = new Float64Array(side * side);
  for (let cell = 0; cell < depth.length; cell++) {
    const [x, y] = [(cell % side) / side, Math.floor(cell / side) / side];
    let nearest = Infinity;
    for (const lobe of lobes) {
      const [dx, dy] = [x - lobe.x, y - lobe.y];
      const cross = 2 * lobe.slant * Math.sqrt(lobe.a * lobe.b) * dx * dy;
      nearest = Math.min(nearest, lobe.a * dx * dx + cross + lobe.b * dy * dy);
    }
    depth[cell] = nearest + 0.4 * ragged(x, y);
  }
  return { cells: lowest(depth, n), side };
}

/** x · x; `**` may be rounded differently from machine to machine. */
function squareOf(x: number): number {
  return x * x;
}

/** Voronoi regions of a few seeds, so that neighbours mostly share their type. */
function tissueTypes(draws: Draws, places: Float64Array): Uint8Array {
  const seeds = Array.from({ length: 12 }, () => ({
    x: draws.uniform(),
    y: draws.uniform(),
    type: draws.integer(0, TISSUE_TYPES - 1),
  }));
  return Uint8Array.from({ length: places.length / 2 }, (_, i) => {
    const distance = ({ x, y }: { x: number; y: number }) => squared(places, i, x, y);
    return seeds.reduce((best, seed) => (distance(seed) < distance(best) ? seed : best)).type;
  });
}

function kindsOf(draws: Draws, places: Float64Array, plan: LayoutPlan): Uint8Array {
  const n = places.length / 2;
  const kinds = new Uint8Array(n);
  const set = (i: number, kind: PatchKind) => (kinds[i] = PATCH_KINDS.indexOf(kind));
  if (plan.positive) {
    const count = Math.max(1, Math.round(n * draws.uniform(...plan.tumourShare)));
    for (const i of focus(draws, places, count, draws.integer(1, 3))) {
      set(i, draws.uniform() < plan.hardShare ? 'hard tumour' : 'easy tumour');
    }
  }
  const artefacts = Math.round(n * plan.artefactShare * draws.uniform(0, 2));
  const blurred = focus(draws, places, Math.min(n, artefacts >> 1), 1);
  const penned = penLine(draws, places, Math.min(n, artefacts - (artefacts >> 1)));
  // What is under an artefact stays: a tumour patch keeps its label and its look.
  for (const i of blurred) if (kinds[i] === 0) set(i, 'blurred');
  for (const i of penned) if (kinds[i] === 0) set(i, 'pen mark');
  for (let i = 0; i < n; i++) if (kinds[i] === 0 && draws.uniform() < plan.mimicShare) set(i, 'mimic');
  return kinds;
}

/** The `count` patches nearest to some random ones, with a ragged edge. */
function focus(draws: Draws, places: Float64Array, count: number, foci: number): number[] {
  const n = places.length / 2;
  const ragged = smoothField(draws, 12);
  const centres = Array.from({ length: foci }, () => draws.integer(0, n - 1));
  const distance = Float64Array.from({ length: n }, (_, i) => {
    const [x, y] = [places[2 * i] as number, places[2 * i + 1] as number];
    const nearest = centres.reduce((least, c) => Math.min(least, squared(places, c, x, y)), Infinity);
    return nearest * (1 + 0.5 * ragged(x, y));
  });
  return lowest(distance, count);
}

/** The `count` patches nearest to a straight line through the tissue. */
function penLine(draws: Draws, places: Float64Array, count: number): number[] {
  const through = draws.integer(0, places.length / 2 - 1);
  const [x, y] = [places[2 * through] as number, places[2 * through + 1] as number];
  const [a, b] = [draws.uniform(-1, 1), draws.uniform(-1, 1)];
  const distance = Float64Array.from({ length: places.length / 2 }, (_, i) =>
    Math.abs(a * ((places[2 * i] as number) - x) + b * ((places[2 * i + 1] as number) - y)),
  );
  return lowest(distance, count);
}

function squared(places: Float64Array, i: number, x: number, y: number): number {
  const [dx, dy] = [(places[2 * i] as number) - x, (places[2 * i + 1] as number) - y];
  return dx * dx + dy * dy;
}

/** Places of the `count` lowest values, ascending; of equal values the first ones. */
function lowest(values: Float64Array, count: number): number[] {
  if (count <= 0) return [];
  const limit = values.slice().sort()[count - 1] as number;
  let ties = count - values.reduce((below, value) => below + Number(value < limit), 0);
  const chosen: number[] = [];
  values.forEach((value, i) => {
    if (value < limit || (value === limit && ties-- > 0)) chosen.push(i);
  });
  return chosen;
}
