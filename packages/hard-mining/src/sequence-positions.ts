import type { Positions } from '@mhim/mil-aggregators';

/**
 * Where the instances of a sequence lie that was picked from a bag: those picked stay where they were on the bag's grid, and
 * recycled instances, which come from everywhere, follow row by row below it.
 * @param kept instances of the bag, in the order of the sequence; all of them in their own order by default
 * @param recycled how many recycled instances follow
 */
export function sequencePositions(
  { xy, width, height }: Positions,
  { kept, recycled = 0 }: { kept?: ArrayLike<number>; recycled?: number },
): Positions {
  const count = kept?.length ?? xy.length / 2;
  const placed = new Int32Array(2 * (count + recycled));
  for (let k = 0; k < count; k++) {
    const i = kept?.[k] ?? k;
    placed[2 * k] = xy[2 * i] as number;
    placed[2 * k + 1] = xy[2 * i + 1] as number;
  }
  for (let k = 0; k < recycled; k++) {
    placed[2 * (count + k)] = k % width;
    placed[2 * (count + k) + 1] = height + Math.floor(k / width);
  }
  return { xy: placed, width, height: height + Math.ceil(recycled / width) };
}
