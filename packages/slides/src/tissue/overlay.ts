import type { RgbImage } from '../images/rgb-image.js';
import { thumbnail } from '../images/thumbnail.js';
import { withOpenCV, type MatScope } from '../opencv.js';
import type { SlideLevel } from '../openslide/level.js';
import type { SlideReader } from '../openslide/slide-reader.js';
import { scalePolygon, type Polygon } from './contours.js';
import type { TissueRegion } from './segment-tissue.js';

export interface OverlayOptions {
  /** Patches to draw: [n, 2] in level-0 pixels, and their side. */
  coords?: Int32Array;
  patchSizeLevel0?: number;
  /** Longest side of the picture. Default 1024. */
  maxSide?: number;
}

type Colour = readonly [number, number, number];
const TISSUE: Colour = [0, 160, 60];
const HOLE: Colour = [20, 70, 230];
const PATCH: Colour = [40, 40, 40];

/** The slide with the outlines of its tissue (green), of the holes in it (blue), and the patches (grey), to be looked at. */
export async function tissueOverlay(
  slide: SlideReader,
  regions: readonly TissueRegion[],
  { coords = new Int32Array(0), patchSizeLevel0 = 0, maxSide = 1024 }: OverlayOptions = {},
): Promise<RgbImage> {
  const { width: width0, height: height0 } = slide.levels[0] as SlideLevel;
  const picture = await thumbnail(slide, Math.min(maxSide, width0), Math.min(maxSide, height0));
  const { width, height } = picture;
  const scale = [width / width0, height / height0] as const;
  const thickness = Math.max(1, Math.round(Math.max(width, height) / 400));
  return withOpenCV((scope) => {
    const mat = scope.rgb(picture.data, width, height);
    for (let i = 0; i < coords.length; i += 2) {
      const [x, y] = [(coords[i] as number) * scale[0], (coords[i + 1] as number) * scale[1]];
      rectangle(scope, mat, x, y, x + patchSizeLevel0 * scale[0], y + patchSizeLevel0 * scale[1]);
    }
    outline(
      scope,
      mat,
      regions.map((region) => scalePolygon(region.outline, scale)),
      TISSUE,
      thickness,
    );
    outline(
      scope,
      mat,
      regions.flatMap(({ holes }) => holes.map((hole) => scalePolygon(hole, scale))),
      HOLE,
      thickness,
    );
    return { data: mat.data.slice(), width, height };
  });
}

function rectangle(
  { cv }: MatScope,
  mat: ReturnType<MatScope['rgb']>,
  x: number,
  y: number,
  right: number,
  lower: number,
): void {
  const from = new cv.Point(Math.round(x), Math.round(y));
  const to = new cv.Point(Math.round(right) - 1, Math.round(lower) - 1);
  cv.rectangle(mat, from, to, new cv.Scalar(...PATCH, 255), 1);
}

function outline(
  scope: MatScope,
  mat: ReturnType<MatScope['rgb']>,
  polygons: readonly Polygon[],
  colour: Colour,
  thickness: number,
): void {
  if (polygons.length === 0) return;
  const { cv } = scope;
  const vector = scope.vector();
  for (const polygon of polygons) vector.push_back(scope.polygon(polygon));
  cv.drawContours(mat, vector, -1, new cv.Scalar(...colour, 255), thickness);
}
