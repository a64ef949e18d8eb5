import sharp from 'sharp';
import { OUTLINE_COLOUR } from '../heat-view/heat-colours.js';
import type { Edge } from '../heat-view/patch-outline.js';
import type { RgbaPixels } from './encode.js';
import type { HeatLayer } from './heat-layer.js';
import type { RgbPixels } from './slide-image.js';

export interface OverlayOptions {
  /** The whole slide, small. */
  thumbnail: RgbPixels;
  /** Size of the slide at level 0. */
  width: number;
  height: number;
  /** From below to above. */
  layers: readonly HeatLayer[];
  /** Annotated regions, level-0 pixels, x and y in turn; drawn on top in blue. */
  rings?: readonly (readonly number[])[];
  /** Single lines, as {@link patchOutline} gives them. */
  edges?: readonly Edge[];
}

/** Heat layers over the thumbnail as a PNG file of the thumbnail's size (MHIM-v2 Figs. 1 and 7). */
export async function overlayPng({ thumbnail, width, height, layers, rings, edges }: OverlayOptions): Promise<Buffer> {
  const scaleX = thumbnail.width / width;
  const scaleY = thumbnail.height / height;
  const area = { left: 0, top: 0, width: thumbnail.width, height: thumbnail.height, scaleX, scaleY };
  // A Buffer's slice would be the thumbnail itself.
  const data = Uint8Array.from(thumbnail.data);
  for (const layer of layers) blend(data, layer.paint(area));
  const picture = sharp(data, { raw: { width: thumbnail.width, height: thumbnail.height, channels: 3 } });
  const path = outlinePath(rings ?? [], edges ?? [], scaleX, scaleY);
  if (path !== '') {
    const stroke = Math.max(2, Math.max(thumbnail.width, thumbnail.height) / 700);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${thumbnail.width}" height="${thumbnail.height}"><path d="${path}" fill="none" stroke="${OUTLINE_COLOUR}" stroke-width="${stroke.toFixed(2)}" stroke-linejoin="round"/></svg>`;
    picture.composite([{ input: Buffer.from(svg) }]);
  }
  return picture.removeAlpha().png({ compressionLevel: 6 }).toBuffer();
}

function blend(data: Uint8Array, { data: over }: RgbaPixels): void {
  for (let at = 0, from = 0; from < over.length; at += 3, from += 4) {
    const alpha = over[from + 3] as number;
    if (alpha === 0) continue;
    for (let c = 0; c < 3; c++) {
      const below = data[at + c] as number;
      data[at + c] = below + Math.round((((over[from + c] as number) - below) * alpha) / 255);
    }
  }
}

function outlinePath(
  rings: readonly (readonly number[])[],
  edges: readonly Edge[],
  scaleX: number,
  scaleY: number,
): string {
  const point = (x: number, y: number) => `${(x * scaleX).toFixed(1)} ${(y * scaleY).toFixed(1)}`;
  const closed = rings.map((ring) => {
    const points: string[] = [];
    for (let i = 0; i + 1 < ring.length; i += 2) points.push(point(ring[i] as number, ring[i + 1] as number));
    return points.length < 2 ? '' : `M${points.join('L')}Z`;
  });
  return [...closed, ...edges.map(([x1, y1, x2, y2]) => `M${point(x1, y1)}L${point(x2, y2)}`)].join('');
}
