import { withOpenCV } from '../opencv.js';
import type { Plane } from '../images/plane.js';

/** A closed outline: x, y of whole pixels, [points, 2]. */
export type Polygon = Int32Array;

/** The outlines of a binary picture, in OpenCV's order: from the bottom up, each component's outer one before its holes. */
export interface Contours {
  readonly polygons: readonly Polygon[];
  /** [contours, 4]: next, previous, first child, parent; -1 for none. */
  readonly hierarchy: Int32Array;
  /** Polygon area of each. */
  readonly areas: Float64Array;
}

/** `findContours(RETR_CCOMP, CHAIN_APPROX_NONE)`: outer outlines and holes, every pixel of them. None for an empty picture. */
export function findContours({ data, width, height }: Plane): Promise<Contours> {
  return withOpenCV((scope) => {
    const { cv } = scope;
    const found = scope.vector();
    const hierarchy = scope.empty();
    cv.findContours(scope.plane(data, width, height), found, hierarchy, cv.RETR_CCOMP, cv.CHAIN_APPROX_NONE);
    const count = found.size() as unknown as number;
    const polygons: Polygon[] = [];
    const areas = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const mat = found.get(i);
      polygons.push(mat.data32S.slice());
      areas[i] = cv.contourArea(mat);
      mat.delete();
    }
    return { polygons, hierarchy: count === 0 ? new Int32Array(0) : hierarchy.data32S.slice(), areas };
  });
}

/** Areas that polygons enclose. */
export function polygonAreas(polygons: readonly Polygon[]): Promise<Float64Array> {
  return withOpenCV((scope) => Float64Array.from(polygons, (polygon) => scope.cv.contourArea(scope.polygon(polygon))));
}

/**
 * Where points lie by a polygon: +1 inside, 0 on the border, -1 outside, or signed distances (`pointPolygonTest`).
 * @param points [n, 2], fractions allowed
 */
export function pointTests(polygon: Polygon, points: ArrayLike<number>, distances = false): Promise<Float64Array> {
  return withOpenCV((scope) => {
    const mat = scope.polygon(polygon);
    return Float64Array.from({ length: points.length / 2 }, (_, i) =>
      scope.cv.pointPolygonTest(mat, { x: points[2 * i], y: points[2 * i + 1] } as never, distances),
    );
  });
}

/** Left, upper, width and height of a polygon; its last column and row count. */
export function boundingBox(polygon: Polygon): [number, number, number, number] {
  let [left, upper, right, lower] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < polygon.length; i += 2) {
    const [x, y] = [polygon[i] as number, polygon[i + 1] as number];
    left = Math.min(left, x);
    right = Math.max(right, x);
    upper = Math.min(upper, y);
    lower = Math.max(lower, y);
  }
  return polygon.length === 0 ? [0, 0, 0, 0] : [left, upper, right - left + 1, lower - upper + 1];
}

/** Every point times a factor an axis, cut to whole numbers towards zero as NumPy does. */
export function scalePolygon(polygon: Polygon, [scaleX, scaleY]: readonly [number, number]): Polygon {
  return polygon.map((value, i) => Math.trunc(value * (i % 2 === 0 ? scaleX : scaleY)));
}
