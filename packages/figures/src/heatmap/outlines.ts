import { FigureError } from '../errors.js';
import { cleanText } from '../text.js';
import { asapOutlines } from './asap-outlines.js';

export interface Outline {
  name: string;
  /** Level-0 pixels, x and y in turn. */
  ring: number[];
}

/**
 * The polygons of an annotation file, outer and inner rings alike: GeoJSON as QuPath exports it, or XML of ASAP, such as CAMELYON16's.
 * @throws FigureError `data` for a text that is neither, or holds none
 */
export function readOutlines(text: string, path: string): Outline[] {
  const outlines = /^\uFEFF?\s*</.test(text) ? asapOutlines(text, path) : geoJsonOutlines(text, path);
  if (outlines.length > 0) return outlines;
  throw new FigureError('holds no polygon.', {
    code: 'data',
    path,
    hint: 'Expected GeoJSON with Polygon or MultiPolygon geometries, or ASAP annotations, in level-0 pixels.',
  });
}

function geoJsonOutlines(text: string, path: string): Outline[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FigureError('is no valid JSON, nor XML.', {
      code: 'data',
      path,
      hint: 'Export it as GeoJSON from QuPath, or save it as XML in ASAP.',
      cause,
    });
  }
  return featuresOf(value).flatMap((feature) => {
    const { geometry, properties } = feature as { geometry?: Record<string, unknown>; properties?: unknown };
    const name = className(properties) ?? 'annotation';
    return ringsOf(geometry).map((ring) => ({ name, ring }));
  });
}

function featuresOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.filter(isObject);
  if (!isObject(value)) return [];
  return Array.isArray(value.features) ? value.features.filter(isObject) : [value];
}

function ringsOf(geometry: Record<string, unknown> | undefined): number[][] {
  if (!isObject(geometry) || !Array.isArray(geometry.coordinates)) return [];
  const polygons =
    geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  return polygons
    .flatMap((rings: unknown) => (Array.isArray(rings) ? rings.map(ringOf) : []))
    .filter((ring) => ring.length >= 6);
}

function ringOf(points: unknown): number[] {
  if (!Array.isArray(points)) return [];
  const ring = points.flatMap((point: unknown) =>
    Array.isArray(point) ? [Number(point[0]), Number(point[1])] : [NaN],
  );
  return ring.every(Number.isFinite) ? ring : [];
}

function className(properties: unknown): string | undefined {
  if (!isObject(properties)) return undefined;
  const { classification, name } = properties;
  const found = isObject(classification) ? classification.name : name;
  return typeof found === 'string' ? cleanText(found, 60) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
