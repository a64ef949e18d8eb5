import { XMLParser } from 'fast-xml-parser';
import { FigureError } from '../errors.js';
import { cleanText } from '../text.js';
import type { Outline } from './outlines.js';

/** Attributes under their own names. */
interface Annotations {
  ASAP_Annotations?: { Annotations?: { Annotation?: AsapAnnotation[] } | '' };
}

interface AsapAnnotation {
  Name?: string;
  /** Polygon, Spline, Rectangle; Dot and PointSet enclose nothing. */
  Type?: string;
  PartOfGroup?: string;
  Coordinates?: { Coordinate?: { Order?: string; X?: string; Y?: string }[] } | '';
}

/** Entities stay as they are written, so that a document can neither grow nor reach for other files. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseAttributeValue: false,
  processEntities: false,
  isArray: (name) => name === 'Annotation' || name === 'Coordinate',
});

/**
 * The outlines of an XML file that ASAP wrote, with the group that each belongs to (CAMELYON16: `Tumor` or `_0`, `_1`; `_2` is cut out
 * of them).
 * @throws FigureError `data` for XML that is broken or of another program, and for a coordinate that is no number
 */
export function asapOutlines(text: string, path: string): Outline[] {
  const { ASAP_Annotations: root } = parse(text, path);
  if (root === undefined) {
    throw new FigureError('is XML, but not of ASAP.', {
      code: 'data',
      path,
      hint: 'Expected ASAP_Annotations, as in CAMELYON16; or GeoJSON from QuPath.',
    });
  }
  const list = (root.Annotations || undefined)?.Annotation ?? [];
  return list.flatMap(({ Name, Type, PartOfGroup, Coordinates }) => {
    if (Type === 'Dot' || Type === 'PointSet') return [];
    const points = [...((Coordinates || undefined)?.Coordinate ?? [])];
    points.sort((a, b) => Number(a.Order ?? 0) - Number(b.Order ?? 0));
    const ring = points.flatMap(({ X, Y }) => [numberOf(X, path), numberOf(Y, path)]);
    if (ring.length < 6) return [];
    const group = PartOfGroup === undefined || PartOfGroup === 'None' ? Name : PartOfGroup;
    return [{ name: cleanText(group || 'annotation', 60), ring }];
  });
}

function parse(text: string, path: string): Annotations {
  try {
    // Validated first: the parser alone takes what is cut off for whole.
    return parser.parse(text, true) as Annotations;
  } catch (cause) {
    throw new FigureError(`is no valid XML: ${cleanText((cause as Error).message, 120)}`, {
      code: 'data',
      path,
      hint: 'Save it again in ASAP.',
      cause,
    });
  }
}

/** Some languages' ASAP wrote decimal commas. */
function numberOf(text: string | undefined, path: string): number {
  const value = Number(text?.replace(',', '.') || NaN);
  if (Number.isFinite(value)) return value;
  throw new FigureError(`has a coordinate that is no number: ${cleanText(String(text), 40)}.`, { code: 'data', path });
}
