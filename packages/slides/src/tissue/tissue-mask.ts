import { withOpenCV, type MatScope } from '../opencv.js';
import type { Plane } from '../images/plane.js';
import { polygonAreas, scalePolygon, type Polygon } from './contours.js';
import type { TissueRegion, TissueSegmentation } from './segment-tissue.js';

/**
 * The tissue as a picture of the segmented level, 1 inside and 0 in kept holes (CLAM's `get_seg_mask` with holes): large
 * regions first, so that a small one within a hole of another is not lost.
 */
export async function tissueMask(segmentation: TissueSegmentation): Promise<Plane> {
  const { width, height, downsamples } = segmentation;
  const scale = [1 / downsamples[0], 1 / downsamples[1]] as const;
  const regions = segmentation.regions.map(({ outline, holes }) => ({
    outline: scalePolygon(outline, scale),
    holes: holes.map((hole) => scalePolygon(hole, scale)),
  }));
  return drawRegions(regions, width, height);
}

/** Regions of a picture's own pixels, filled. */
export async function drawRegions(regions: readonly TissueRegion[], width: number, height: number): Promise<Plane> {
  const areas = await polygonAreas(regions.map(({ outline }) => outline));
  const order = regions.map((_, i) => i).sort((a, b) => (areas[b] as number) - (areas[a] as number));
  return withOpenCV((scope) => {
    const mask = scope.plane(new Uint8Array(width * height), width, height);
    for (const i of order) {
      const { outline, holes } = regions[i] as TissueRegion;
      fill(scope, mask, [outline], 1);
      if (holes.length > 0) fill(scope, mask, holes, 0);
    }
    return { data: mask.data.slice(), width, height };
  });
}

function fill(scope: MatScope, mask: ReturnType<MatScope['plane']>, polygons: readonly Polygon[], value: number): void {
  const vector = scope.vector();
  for (const polygon of polygons) vector.push_back(scope.polygon(polygon));
  scope.cv.drawContours(mask, vector, -1, new scope.cv.Scalar(value), -1);
}
