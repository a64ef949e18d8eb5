import { caseOfSlide } from '../labels-table.js';

const IMAGE = /\.(?:svs|tiff?|ndpi|mrxs|scn|qptiff|czi)$/i;

/** A slide's name without the extension of its image, which some tables and some feature files keep. */
export function slideName(name: string): string {
  return name.replace(IMAGE, '');
}

/** A TCGA slide without the identifier of its file: `TCGA-05-4244-01Z-00-DX1` of `TCGA-05-4244-01Z-00-DX1.d4ff32cd-…`. */
export function slideBarcode(name: string): string {
  const plain = slideName(name);
  return (
    /^(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}-[A-Z0-9]{3}-[A-Z0-9]{2}-[A-Z0-9]{3})(?:\.|$)/i.exec(plain)?.[1]?.toUpperCase() ??
    plain
  );
}

/**
 * Whether a slide is of the kind that the published lists are made of: of TCGA's only the diagnostic (`DX`, paraffin) ones, not those
 * of frozen tissue (`TS`, `MS`, `BS`). Names of others say nothing, so they are.
 */
export function isDiagnostic(name: string): boolean {
  const barcode = slideBarcode(name);
  return caseOfSlide(barcode) === undefined || !/^TCGA-\w{2}-\w{4}-\d{2}[A-Z]-\d{2}-(?:TS|MS|BS)/i.test(barcode);
}
