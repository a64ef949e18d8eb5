import { checkLength } from '../check-report-data.js';
import { FigureError } from '../errors.js';
import type { Numbers } from '../report-data.js';
import { cleanText } from '../text.js';
import { checkPlaces, type PatchPlaces } from './heat-layer.js';

export interface PatchClass {
  name: string;
  /** Red, green, blue from 0 to 255. */
  colour: readonly [number, number, number];
}

export interface PatchGeoJsonOptions extends PatchPlaces {
  /** Measurements by name, each [n]. */
  measurements: Readonly<Record<string, Numbers>>;
  /** [n], indices into `classes`; others have no class. */
  classOf?: ArrayLike<number>;
  classes?: readonly PatchClass[];
}

/**
 * Patches as a GeoJSON FeatureCollection that QuPath opens by dropping the file on the slide: tiles with measurements, which QuPath's
 * measurement maps colour. Coordinates are level-0 pixels from the upper left corner, as in QuPath. Comes piece by piece.
 * @throws FigureError `data` for lists of different lengths
 */
export function* patchGeoJson(options: PatchGeoJsonOptions): Generator<string> {
  const { coords, patchSize, measurements, classOf, classes = [] } = options;
  const patches = coords.length / 2;
  checkPlaces(options, patches);
  for (const [name, values] of Object.entries(measurements)) {
    checkLength(values, `measurements.${name}`, patches, 'patches');
  }
  if (classOf) checkLength(classOf, 'classOf', patches, 'patches');
  yield '{"type":"FeatureCollection","features":[';
  for (let i = 0; i < patches; i++) {
    const [x, y] = [coords[2 * i] as number, coords[2 * i + 1] as number];
    const [right, bottom] = [x + patchSize, y + patchSize];
    const known = classes[classOf?.[i] ?? -1];
    const feature = {
      type: 'Feature',
      geometry: {
        type: 'Polygon',
        coordinates: [
          [
            [x, y],
            [right, y],
            [right, bottom],
            [x, bottom],
            [x, y],
          ],
        ],
      },
      properties: {
        objectType: 'tile',
        ...(known && { classification: { name: cleanText(known.name), color: known.colour } }),
        measurements: measured(measurements, i),
      },
    };
    yield `${i === 0 ? '' : ','}\n${JSON.stringify(feature)}`;
  }
  yield '\n]}\n';
}

/** JSON has no NaN: what is no number is left out. */
function measured(measurements: Readonly<Record<string, Numbers>>, patch: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(measurements).flatMap(([name, values]) => {
      const value = values[patch] as number;
      return Number.isFinite(value) ? [[name, Number(value.toPrecision(10))]] : [];
    }),
  );
}

export interface Outline {
  name: string;
  /** Level-0 pixels, x and y in turn. */
  ring: number[];
}

/**
 * The polygons of a GeoJSON file, e.g. annotations that QuPath exported: outer and inner rings alike.
 * @throws FigureError `data` for a text that is none
 */
export function readOutlines(text: string, path: string): Outline[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FigureError('is no valid JSON.', {
      code: 'data',
      path,
      hint: 'Export it as GeoJSON from QuPath.',
      cause,
    });
  }
  const outlines = featuresOf(value).flatMap((feature) => {
    const { geometry, properties } = feature as { geometry?: Record<string, unknown>; properties?: unknown };
    const name = className(properties) ?? 'annotation';
    return ringsOf(geometry).map((ring) => ({ name, ring }));
  });
  if (outlines.length > 0) return outlines;
  throw new FigureError('holds no polygon.', {
    code: 'data',
    path,
    hint: 'Expected a GeoJSON FeatureCollection with Polygon or MultiPolygon geometries in level-0 pixels.',
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
