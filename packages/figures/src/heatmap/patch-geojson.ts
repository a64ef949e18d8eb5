import { checkLength } from '../check-report-data.js';
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
