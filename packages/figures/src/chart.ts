import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { EChartsCoreOption } from 'echarts/core';
import { FigureError } from './errors.js';
import { ID_MARK, svgFigure, type FigureOptions, type SvgContent } from './svg.js';
import { labelText } from './text.js';
import { theme } from './theme.js';

export interface Chart extends Omit<SvgContent, 'body' | 'width'> {
  option: EChartsCoreOption;
}

export const DEFAULT_WIDTH = 400;

/** Draws with ECharts on the server: an SVG without script, style sheet or reference to anything outside it. */
export function chartFigure({ option, height, title, description }: Chart, options: FigureOptions): string {
  echarts.use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
  const width = figureWidth(options);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, silent: true, textStyle: { fontFamily: 'inherit' }, ...option });
    return svgFigure({ width, height, title, description, body: plainBody(chart.renderToSVGString()) }, options);
  } finally {
    chart.dispose();
  }
}

/** @throws FigureError `config` for a width outside 240 to 2,000 pixels */
export function figureWidth({ width = DEFAULT_WIDTH }: FigureOptions): number {
  if (Number.isInteger(width) && width >= 240 && width <= 2000) return width;
  throw new FigureError(`expected an integer from 240 to 2000, got ${width}.`, { code: 'config', path: 'width' });
}

/**
 * The figure's heading, above its plot, cut where the mark of simulated data begins; `below` is a second line of 16 pixels, for what must
 * not be cut.
 */
export function heading(text: string, options: FigureOptions, below?: string) {
  const { ink, muted } = theme(options.theme);
  const style = { fontSize: 13, fontWeight: 600, color: ink, overflow: 'truncate' as const };
  // Texts are measured as if they were not bold, and some systems' fonts are wider.
  const room = Math.floor((figureWidth(options) - (options.simulated ? 124 : 16)) * 0.8);
  return {
    text: labelText(text),
    ...{ left: 4, top: 0, padding: 4, itemGap: 2 },
    textStyle: { ...style, width: room },
    ...(below === undefined ? {} : { subtext: labelText(below), subtextStyle: { fontSize: 12, color: muted } }),
  };
}

export interface AxisLook {
  name?: string;
  /** Distance of the name from the axis line. */
  gap?: number;
}

/** An axis in the look of the theme, its name centred along it. */
export function axis({ name, gap = 26 }: AxisLook, options: FigureOptions) {
  const { ink, muted, line } = theme(options.theme);
  return {
    name: name === undefined ? undefined : labelText(name),
    nameLocation: 'middle' as const,
    nameGap: gap,
    nameTextStyle: { color: ink, fontSize: 12 },
    axisLabel: { color: muted, fontSize: 11, hideOverlap: true },
    axisLine: { show: true, onZero: false, lineStyle: { color: muted } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: line } },
  };
}

export interface LegendEntry {
  /** Name of the series, its key. */
  series: string;
  label: string;
}

/** How the entries of a legend look: as lines, as areas or as the marks of their series. */
export type LegendLook = 'lines' | 'areas' | 'marks';

/** A legend of as many columns below the plot; `height` is what it takes. */
export function legend(
  entries: readonly LegendEntry[],
  { columns = 1, look }: { columns?: number; look: LegendLook },
  options: FigureOptions,
) {
  const labels = new Map(entries.map(({ series, label }) => [series, labelText(label)]));
  const column = Math.floor((figureWidth(options) - 20) / columns);
  const component = {
    data: entries.map(({ series }) => series),
    left: 10,
    bottom: 2,
    padding: 0,
    ...LEGEND_LOOKS[look],
    itemGap: 6,
    selectedMode: false,
    inactiveBorderWidth: 0,
    textStyle: {
      color: theme(options.theme).ink,
      fontSize: 11,
      width: column - LEGEND_LOOKS[look].itemWidth - 5 - 6,
      overflow: 'truncate' as const,
      lineHeight: 12,
    },
    formatter: (name: string) => labels.get(name) ?? name,
  };
  return { component, height: Math.ceil(entries.length / columns) * 18 + 4 };
}

const LEGEND_LOOKS = {
  lines: { icon: 'rect', itemWidth: 16, itemHeight: 3 },
  areas: { icon: 'roundRect', itemWidth: 10, itemHeight: 10 },
  marks: { icon: undefined, itemWidth: 9, itemHeight: 9 },
} as const;

/** ECharts' drawing without its outer element, hover styles and inline style attributes, which a strict page policy forbids. */
function plainBody(svg: string): string {
  return svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<\/svg>\s*$/, '')
    .replace(/<style\s*>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replace(/ style="([^"]*)"/g, (_, style: string) => styleAttributes(style))
    .replace(/(id="|url\(#)zr\d+-/g, `$1${ID_MARK}`)
    .replace(/\n/g, '');
}

function styleAttributes(style: string): string {
  const declarations = style.split(';').map((declaration) => declaration.split(':') as [string, string]);
  return declarations
    .filter(([property, value]) => value !== undefined && value !== 'inherit' && property.length > 0)
    .map(([property, value]) => ` ${property}="${value.trim()}"`)
    .join('');
}
