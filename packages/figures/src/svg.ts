import { createHash } from 'node:crypto';
import { escapeText } from './text.js';
import { theme, type ThemeName } from './theme.js';

export interface FigureOptions {
  /** Default `light`. */
  theme?: ThemeName;
  /** Writes `simulated data` into the figure. */
  simulated?: boolean;
  /** Width in CSS pixels, default 400: readable on a phone, three beside each other on a desktop. The height follows. */
  width?: number;
}

export interface SvgContent {
  width: number;
  height: number;
  /** What the figure is, for screen readers. */
  title: string;
  /** What it shows, with its main numbers, for screen readers. */
  description: string;
  /** Trusted markup. */
  body: string;
}

/** A whole figure: fonts, accessible name, background (not in a page, which has its own) and the mark of simulated data. */
export function svgFigure({ width, height, title, description, body }: SvgContent, options: FigureOptions): string {
  const colours = theme(options.theme);
  const background =
    options.theme === 'css' ? '' : `<rect width="${width}" height="${height}" fill="${colours.surface}"/>`;
  const mark = options.simulated
    ? `<text x="${width - 6}" y="13" text-anchor="end" font-size="10" font-weight="700" letter-spacing="0.4" fill="${colours.simulated}">SIMULATED DATA</text>`
    : '';
  const texts = [escapeText(title), escapeText(description)] as const;
  // Ids from the content: the same data gives the same bytes, and figures in one page do not share ids.
  const id = `f${createHash('sha256').update(`${texts.join()}${body}`).digest('hex').slice(0, 10)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t" aria-describedby="${id}-d" font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif" font-size="12">`,
    `<title id="${id}-t">${texts[0]}</title><desc id="${id}-d">${texts[1]}</desc>`,
    background,
    body.replaceAll(ID_MARK, `${id}-`),
    mark,
    '</svg>',
  ].join('');
}

/** Stands for the figure's own prefix in the ids of a body. */
export const ID_MARK = '\u0001';

/** A coordinate to a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
