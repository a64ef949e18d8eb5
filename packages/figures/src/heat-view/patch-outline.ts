import type { Numbers } from '../report-data.js';

/** A straight line, level-0 pixels: x1, y1, x2, y2. */
export type Edge = readonly [number, number, number, number];

/**
 * The outline of the patches that are chosen: their edges without those that two of them share, so that a region of a patch grid is
 * outlined as a whole. Patches off a grid keep all four.
 * @param coords [n, 2], upper left corners
 */
export function patchOutline(coords: Numbers, size: number, isChosen: (index: number) => boolean): Edge[] {
  const edges = new Map<string, Edge | null>();
  const toggle = (...edge: [number, number, number, number]) => {
    const key = edge.join(' ');
    edges.set(key, edges.has(key) ? null : edge);
  };
  for (let i = 0; i < coords.length / 2; i++) {
    if (!isChosen(i)) continue;
    const [x, y] = [coords[2 * i] as number, coords[2 * i + 1] as number];
    toggle(x, y, x + size, y);
    toggle(x, y + size, x + size, y + size);
    toggle(x, y, x, y + size);
    toggle(x + size, y, x + size, y + size);
  }
  return [...edges.values()].filter((edge) => edge !== null);
}
