import { normaliseScores } from '../heat-view/normalise.js';
import type { Numbers } from '../report-data.js';
import { escapeText, labelText } from '../text.js';
import { resized } from './encode.js';
import { HeatLayer, type PatchPlaces } from './heat-layer.js';
import { overlayPng, type OverlayOptions } from './overlay.js';

export interface TeacherMapsOptions
  extends PatchPlaces, Pick<OverlayOptions, 'thumbnail' | 'width' | 'height' | 'rings' | 'edges'> {
  title: string;
  /** The teacher's scores at some epochs, earliest first. */
  epochs: readonly { epoch: number; attention?: Numbers; probability: Numbers }[];
  /** The class whose probability `probability` is. */
  className: string;
  /** Longer side of one map, default 260 pixels. */
  mapSize?: number;
}

/**
 * What the teacher finds easy to classify as training goes on (MHIM-v2 Fig. 8), as an SVG: a column an epoch; above by class-agnostic
 * attention, below by class-aware instance probability, each by rank within the slide.
 */
export async function teacherMaps(options: TeacherMapsOptions): Promise<string> {
  const { epochs, className, title, mapSize = 260, ...slide } = options;
  const hasAttention = epochs.some(({ attention }) => attention);
  const small = await resized(slide.thumbnail, 2 * mapSize);
  const factor = mapSize / Math.max(slide.width, slide.height);
  const [width, height] = [Math.round(slide.width * factor), Math.round(slide.height * factor)];
  const rows = [...(hasAttention ? ['attention'] : []), `probability of ${className}`];
  const parts: string[] = [];
  for (const [column, { epoch, attention, probability }] of epochs.entries()) {
    const left = LEFT + column * (width + GAP);
    parts.push(text(left + width / 2, TOP - 8, `epoch ${epoch}`, 'middle'));
    const scores = [...(hasAttention ? [attention] : []), probability];
    for (const [row, values] of scores.entries()) {
      if (!values) continue;
      const layer = new HeatLayer({ ...slide, shares: normaliseScores(values), style: 'brightness' });
      const png = await overlayPng({ ...slide, thumbnail: small, layers: [layer] });
      const top = TOP + row * (height + GAP);
      parts.push(
        `<image x="${left}" y="${top}" width="${width}" height="${height}" preserveAspectRatio="none" href="data:image/png;base64,${png.toString('base64')}"/>`,
      );
    }
  }
  rows.forEach((name, row) => {
    const middle = TOP + row * (height + GAP) + height / 2;
    parts.push(`<g transform="translate(14 ${middle}) rotate(-90)">${text(0, 0, name, 'middle')}</g>`);
  });
  const [w, h] = [LEFT + epochs.length * (width + GAP), TOP + rows.length * (height + GAP)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" font-family="system-ui, sans-serif"><title>${escapeText(labelText(title))}</title><rect width="${w}" height="${h}" fill="#ffffff"/>${text(LEFT, 18, labelText(title), 'start', 14)}${parts.join('')}</svg>\n`;
}

const [LEFT, TOP, GAP] = [26, 46, 8];

function text(x: number, y: number, content: string, anchor: string, size = 12): string {
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="#1b2330">${escapeText(content)}</text>`;
}
