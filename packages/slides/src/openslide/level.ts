/** One level of a slide's pyramid; level 0 is the finest. */
export interface SlideLevel {
  readonly width: number;
  readonly height: number;
  /** OpenSlide's downsample against level 0, one number for both axes. */
  readonly downsample: number;
  /** The exact ratios of dimensions to level 0, in x and y, as CLAM scales by. */
  readonly downsamples: readonly [number, number];
}

/** Levels of given sizes, with the downsamples that OpenSlide and CLAM derive from them. */
export function levelsOf(sizes: readonly (readonly [number, number, number?])[]): SlideLevel[] {
  const [width0, height0] = sizes[0] as readonly [number, number, number?];
  return sizes.map(([width, height, downsample]) => {
    const downsamples = [width0 / width, height0 / height] as const;
    return { width, height, downsample: downsample ?? (downsamples[0] + downsamples[1]) / 2, downsamples };
  });
}

/** The coarsest level that is not coarser than `downsample`, as OpenSlide chooses it. */
export function bestLevelFor(levels: readonly SlideLevel[], downsample: number): number {
  let best = 0;
  for (let i = 1; i < levels.length && (levels[i] as SlideLevel).downsample <= downsample; i++) best = i;
  return best;
}
