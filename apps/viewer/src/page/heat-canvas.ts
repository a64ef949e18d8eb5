import {
  backgroundColour,
  heatColour,
  normaliseScores,
  OUTLINE_COLOUR,
  patchOutline,
  type Edge,
  type HeatScores,
  type HeatSlide,
  type HeatStyle,
  type Normalisation,
} from '@mhim/figures/heat-view';
import type { Settings } from './settings.js';

/** Where the slide lies in the pane, CSS pixels: left, top, and pixels for one of level 0. */
export interface View {
  left: number;
  top: number;
  scale: number;
  width: number;
  height: number;
}

/** More patches than this are drawn from a picture of all, made once. */
const MANY = 8000;
const OVERVIEW_SIDE = 2048;

/** Draws the patches of a slide as one model sees them. */
export class HeatCanvas {
  private readonly layers = new Map<string, PaintedLayer>();
  private readonly truth: Edge[];
  private readonly cells = new Map<string, number[]>();
  private readonly scratch = document.createElement('canvas');

  constructor(
    private readonly slide: HeatSlide,
    readonly scores: HeatScores,
  ) {
    const { x, y, labels, patchSize } = scores;
    const coords = x.flatMap((left, i) => [left, y[i] as number]);
    this.truth = labels ? patchOutline(coords, patchSize, (i) => (labels[i] ?? 0) > 0) : [];
    x.forEach((left, i) => {
      for (const key of keysOf(left, y[i] as number, patchSize)) {
        const cell = this.cells.get(key);
        if (cell) cell.push(i);
        else this.cells.set(key, [i]);
      }
    });
  }

  get hasOutlines(): boolean {
    return this.truth.length > 0 || (this.slide.outlines?.length ?? 0) > 0;
  }

  draw(canvas: HTMLCanvasElement, view: View, settings: Settings, marked: number | undefined): void {
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.clearRect(0, 0, width, height);
    const device = { left: view.left * ratio, top: view.top * ratio, scale: view.scale * ratio, width, height };
    const { layers, attentionStyle, normalisation } = settings;
    context.save();
    context.beginPath();
    context.rect(device.left, device.top, this.slide.width * device.scale, this.slide.height * device.scale);
    context.clip();
    if (layers.attention.shown && this.scores.attention) {
      this.drawLayer(context, device, layers.attention.opacity, 'attention', attentionStyle, normalisation);
    }
    if (layers.score.shown) this.drawLayer(context, device, layers.score.opacity, 'score', 'cyan');
    if (layers.outlines.shown) this.drawOutlines(context, device, layers.outlines.opacity, ratio);
    context.restore();
    if (layers.top.shown) this.drawTop(context, device, layers.top.opacity, ratio);
    if (marked !== undefined) this.frame(context, device, marked, '#ffd400', 2.5 * ratio);
  }

  /** The patch whose middle is nearest of those that hold a place of level 0. */
  patchAt(x: number, y: number): number | undefined {
    const { patchSize, x: xs, y: ys } = this.scores;
    const distance = (i: number) =>
      Math.hypot((xs[i] as number) + patchSize / 2 - x, (ys[i] as number) + patchSize / 2 - y);
    return (this.cells.get(`${Math.floor(x / patchSize)} ${Math.floor(y / patchSize)}`) ?? [])
      .filter(
        (i) =>
          x >= (xs[i] as number) &&
          y >= (ys[i] as number) &&
          x < (xs[i] as number) + patchSize &&
          y < (ys[i] as number) + patchSize,
      )
      .reduce<number | undefined>(
        (best, i) => (best === undefined || distance(i) < distance(best) ? i : best),
        undefined,
      );
  }

  /** Share of patches with less attention. */
  attentionRank(patch: number): number {
    return this.painted('attention', 'brightness', 'rank').shares[patch] as number;
  }

  private drawLayer(
    context: CanvasRenderingContext2D,
    view: View,
    opacity: number,
    name: 'attention' | 'score',
    style: HeatStyle,
    normalisation: Normalisation = 'rank',
  ): void {
    const painted = this.painted(name, style, normalisation);
    const { scratch } = this;
    if (scratch.width !== view.width || scratch.height !== view.height) {
      Object.assign(scratch, { width: view.width, height: view.height });
    }
    const layer = scratch.getContext('2d') as CanvasRenderingContext2D;
    layer.clearRect(0, 0, scratch.width, scratch.height);
    const visible = this.visible(painted.order, view);
    if (visible.length > MANY) {
      const overview = (painted.overview ??= this.overview(painted));
      layer.imageSmoothingEnabled = view.scale < overview.width / this.slide.width;
      layer.drawImage(overview, view.left, view.top, this.slide.width * view.scale, this.slide.height * view.scale);
    } else this.paint(layer, view, painted, visible);
    context.globalAlpha = opacity;
    context.drawImage(scratch, 0, 0);
    context.globalAlpha = 1;
  }

  private painted(name: 'attention' | 'score', style: HeatStyle, normalisation: Normalisation): PaintedLayer {
    const key = `${name} ${style} ${normalisation}`;
    let layer = this.layers.get(key);
    if (!layer) {
      const { centre, score, attention = [] } = this.scores;
      const shares =
        name === 'attention'
          ? normaliseScores(attention, { method: normalisation })
          : normaliseScores(score, centre === undefined ? { method: 'rank' } : { method: 'centred', centre });
      const order = Int32Array.from(shares, (_, i) => i).sort((a, b) => (shares[a] as number) - (shares[b] as number));
      layer = { shares, order, style };
      this.layers.set(key, layer);
    }
    return layer;
  }

  private overview(painted: PaintedLayer): HTMLCanvasElement {
    const { width, height } = this.slide;
    const scale = Math.min(1, OVERVIEW_SIDE / Math.max(width, height));
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    const view = { left: 0, top: 0, scale, width: canvas.width, height: canvas.height };
    this.paint(context, view, painted, [...painted.order]);
    return canvas;
  }

  private visible(order: Int32Array, { left, top, scale, width, height }: View): number[] {
    const { x, y, patchSize } = this.scores;
    const [x0, y0] = [-left / scale - patchSize, -top / scale - patchSize];
    const [x1, y1] = [(width - left) / scale, (height - top) / scale];
    return [...order].filter((i) => {
      const [px, py] = [x[i] as number, y[i] as number];
      return px > x0 && py > y0 && px < x1 && py < y1;
    });
  }

  /** Patches from the lowest share to the highest, so that the highest is on top. */
  private paint(
    context: CanvasRenderingContext2D,
    view: View,
    { style, shares }: PaintedLayer,
    patches: number[],
  ): void {
    const { left, top, scale } = view;
    const { width, height } = this.slide;
    const background = backgroundColour(style);
    if (background[3] > 0) {
      context.fillStyle = css(background);
      context.fillRect(left, top, width * scale, height * scale);
    }
    for (const i of patches) {
      const { x, y, w, h } = this.rectangle(i, view);
      context.clearRect(x, y, w, h);
      context.fillStyle = css(heatColour(style, shares[i] as number));
      context.fillRect(x, y, w, h);
    }
  }

  private rectangle(i: number, { left, top, scale }: View): { x: number; y: number; w: number; h: number } {
    const { patchSize } = this.scores;
    const [px, py] = [this.scores.x[i] as number, this.scores.y[i] as number];
    const [x, y] = [Math.round(left + px * scale), Math.round(top + py * scale)];
    const right = Math.round(left + (px + patchSize) * scale);
    const bottom = Math.round(top + (py + patchSize) * scale);
    return { x, y, w: Math.max(1, right - x), h: Math.max(1, bottom - y) };
  }

  private drawOutlines(
    context: CanvasRenderingContext2D,
    { left, top, scale }: View,
    opacity: number,
    ratio: number,
  ): void {
    const path = new Path2D();
    for (const [x1, y1, x2, y2] of this.truth) {
      path.moveTo(left + x1 * scale, top + y1 * scale);
      path.lineTo(left + x2 * scale, top + y2 * scale);
    }
    for (const { ring } of this.slide.outlines ?? []) {
      for (let i = 0; i + 1 < ring.length; i += 2) {
        const [x, y] = [left + (ring[i] as number) * scale, top + (ring[i + 1] as number) * scale];
        if (i === 0) path.moveTo(x, y);
        else path.lineTo(x, y);
      }
      path.closePath();
    }
    context.globalAlpha = opacity;
    context.lineJoin = 'round';
    context.strokeStyle = OUTLINE_COLOUR;
    context.lineWidth = 2 * ratio;
    context.stroke(path);
    context.globalAlpha = 1;
  }

  private drawTop(context: CanvasRenderingContext2D, view: View, opacity: number, ratio: number): void {
    context.globalAlpha = opacity;
    const seen = new Set<number>();
    for (const { index } of this.scores.top) {
      if (seen.has(index)) continue;
      seen.add(index);
      this.frame(context, view, index, '#ffffff', 3 * ratio);
      this.frame(context, view, index, '#c2410c', 1.5 * ratio);
    }
    context.globalAlpha = 1;
  }

  private frame(context: CanvasRenderingContext2D, view: View, patch: number, colour: string, lineWidth: number): void {
    const { x, y, w, h } = this.rectangle(patch, view);
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
  }
}

interface PaintedLayer {
  shares: Float32Array;
  /** From the lowest share to the highest. */
  order: Int32Array;
  style: HeatStyle;
  overview?: HTMLCanvasElement;
}

function css([red, green, blue, alpha]: readonly [number, number, number, number]): string {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)} / ${alpha.toFixed(3)})`;
}

function* keysOf(x: number, y: number, size: number): Generator<string> {
  for (let row = Math.floor(y / size); row <= Math.floor((y + size) / size); row++) {
    for (let column = Math.floor(x / size); column <= Math.floor((x + size) / size); column++) yield `${column} ${row}`;
  }
}
