import type { Positions } from '@mhim/mil-aggregators';

/** The positions of some instances, in their order. */
export function positionsOf(positions: Positions, instances: Int32Array): Positions {
  const xy = new Float64Array(2 * instances.length);
  instances.forEach((instance, i) => {
    xy[2 * i] = positions.xy[2 * instance] as number;
    xy[2 * i + 1] = positions.xy[2 * instance + 1] as number;
  });
  return { ...positions, xy };
}

/** The same with `count` recycled instances behind: they stand for many and have no place, so they get rows below the grid. */
export function withRecycled({ xy, width, height }: Positions, count: number): Positions {
  const places = Array.from({ length: count }, (_, i) => [i % width, height + Math.floor(i / width)]);
  return {
    xy: Float64Array.from([...Array.from(xy), ...places.flat()]),
    width,
    height: height + Math.ceil(count / width),
  };
}
