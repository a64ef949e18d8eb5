import type { HeatModelEntry, HeatScores, HeatSlide } from '@mhim/figures/heat-view';
import OpenSeadragon from 'openseadragon';
import { describePatch } from './describe-patch.js';
import { HeatCanvas, type View } from './heat-canvas.js';
import { loadScores, urlOf } from './load.js';
import type { Settings } from './settings.js';
import { verdictOf } from './verdict.js';
import { element } from './element.js';

export interface PaneEvents {
  /** The reader moves this pane; others follow. */
  onMove(pane: Pane): void;
  /** Pointer over a place of level 0, or over none. */
  onHover(place: { x: number; y: number } | undefined): void;
}

export interface PanePlace {
  slide: HeatSlide;
  bounds: OpenSeadragon.Rect;
}

/** One model's view of a slide. */
export class Pane {
  readonly element: HTMLElement;
  scores?: HeatScores;
  private heat?: HeatCanvas;
  private readonly viewer: OpenSeadragon.Viewer;
  private readonly canvas = element('canvas', { className: 'heat' });
  private readonly tip = element('div', { className: 'tip', hidden: true });
  private readonly verdict = element('p', { className: 'verdict' });
  private marked?: number;
  private slide?: HeatSlide;

  constructor(
    readonly model: string,
    private readonly settings: Settings,
    private readonly events: PaneEvents,
  ) {
    const stage = element('div', { className: 'stage' });
    this.element = element('section', { className: 'pane' }, this.verdict, stage);
    this.viewer = OpenSeadragon({
      element: stage,
      // Tiles of a page that is opened from a disk may be drawn on a canvas, but not by WebGL.
      drawer: 'canvas',
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: 'BOTTOM_RIGHT',
      navigatorSizeRatio: 0.16,
      visibilityRatio: 0.2,
      minZoomImageRatio: 0.7,
      maxZoomPixelRatio: 12,
      animationTime: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 0.5,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true },
      imageSmoothingEnabled: true,
    });
    // Below the navigator.
    this.viewer.canvas.after(this.canvas);
    stage.append(this.tip);
    // The page has keys of its own, the same wherever the focus is.
    this.viewer.addHandler('canvas-key', (event) => (event.preventDefaultAction = true));
    this.viewer.addHandler('viewport-change', () => events.onMove(this));
    for (const name of ['update-viewport', 'resize', 'open', 'animation'] as const) {
      this.viewer.addHandler(name, () => this.draw());
    }
    // OpenSeadragon keeps these events to itself on their way up.
    for (const name of ['pointermove', 'pointerdown'] as const) {
      stage.addEventListener(name, (event) => this.hover(event), { capture: true });
    }
    stage.addEventListener('pointerleave', () => events.onHover(undefined));
  }

  /** Shows a slide; resolves when scores and picture are there. */
  async open(slide: HeatSlide, model: HeatModelEntry): Promise<void> {
    this.slide = slide;
    this.heat = this.scores = this.marked = undefined;
    this.verdict.replaceChildren(element('b', {}, model.name), ' ', verdictOf(slide, model));
    this.verdict.title = model.detail ?? '';
    if (model.detail) this.verdict.append(element('small', {}, model.detail));
    this.viewer.canvas.setAttribute('aria-label', `Slide ${slide.id}, ${model.name}`);
    const { width, height, tileSize, format } = slide.tiles;
    const opened = new Promise<void>((resolve, reject) => {
      this.viewer.addOnceHandler('open', () => resolve());
      this.viewer.addOnceHandler('open-failed', () => reject(new Error(`The tiles of ${slide.id} are not there.`)));
    });
    this.viewer.open({
      width,
      height,
      tileSize,
      tileOverlap: 0,
      getTileUrl: (level: number, column: number, row: number) =>
        urlOf(slide.folder, 'slide_files', String(level), `${column}_${row}.${format}`),
    } as unknown as OpenSeadragon.TileSourceSpecifier);
    const [scores] = await Promise.all([loadScores(slide, model), opened]);
    if (this.slide !== slide) return;
    this.scores = scores;
    this.heat = new HeatCanvas(slide, scores);
    this.refresh();
  }

  get hasAttention(): boolean {
    return this.scores?.attention !== undefined;
  }

  get hasOutlines(): boolean {
    return this.heat?.hasOutlines ?? false;
  }

  /** Draws again, after a change of settings. */
  refresh(): void {
    const { slide } = this.settings.layers;
    this.viewer.world.getItemAt(0)?.setOpacity(slide.shown ? slide.opacity : 0);
    this.draw();
  }

  /** Brings a patch to the middle, with as much around it as four patches are wide. */
  zoomTo(patch: number): void {
    const { scores, slide } = this;
    if (!scores || !slide) return;
    this.marked = patch;
    const side = Math.max(9 * scores.patchSize, 160);
    const [x, y] = [
      (scores.x[patch] as number) + scores.patchSize / 2,
      (scores.y[patch] as number) + scores.patchSize / 2,
    ];
    const bounds = new OpenSeadragon.Rect(
      (x - side / 2) / slide.width,
      (y - side / 2) / slide.width,
      side / slide.width,
      side / slide.width,
    );
    this.viewer.viewport.fitBounds(bounds);
    this.draw();
  }

  home(): void {
    this.marked = undefined;
    this.viewer.viewport.goHome();
    this.draw();
  }

  /** What is in sight. */
  place(): PanePlace | undefined {
    if (!this.slide || !this.viewer.isOpen()) return undefined;
    return { slide: this.slide, bounds: this.viewer.viewport.getBounds() };
  }

  /** Shows a place at once, or the whole slide. */
  goTo(place: PanePlace | undefined): void {
    if (place) this.viewer.viewport.fitBounds(place.bounds, true);
    else this.viewer.viewport.goHome(true);
    this.draw();
  }

  zoomBy(factor: number): void {
    this.viewer.viewport.zoomBy(factor);
    this.viewer.viewport.applyConstraints();
  }

  panBy(x: number, y: number): void {
    const { viewport } = this.viewer;
    viewport.panBy(viewport.deltaPointsFromPixels(new OpenSeadragon.Point(x, y)));
    viewport.applyConstraints();
  }

  /** Takes the place of another pane. */
  follow(other: Pane): void {
    if (other.slide !== this.slide) return;
    const { viewport } = this.viewer;
    viewport.zoomTo(other.viewer.viewport.getZoom(true), undefined, true);
    viewport.panTo(other.viewer.viewport.getCenter(true), true);
  }

  /** Frames the patch at the middle of another pane's, if there is one. */
  markAs({ scores, marked }: Pane): void {
    const half = (scores?.patchSize ?? 0) / 2;
    this.marked =
      scores && marked !== undefined
        ? this.heat?.patchAt((scores.x[marked] as number) + half, (scores.y[marked] as number) + half)
        : undefined;
    this.draw();
  }

  /** Shows what is known of the patch at a place of level 0, or nothing. */
  point(place: { x: number; y: number } | undefined): void {
    const patch = place && this.heat?.patchAt(place.x, place.y);
    this.tip.hidden = patch === undefined;
    if (patch === undefined || !place || !this.heat || !this.scores) return;
    this.tip.replaceChildren(...describePatch(this.heat, patch));
    const view = this.view();
    const [x, y] = [view.left + place.x * view.scale, view.top + place.y * view.scale];
    const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight];
    this.tip.style.left = `${Math.max(4, Math.min(x + 16, view.width - width - 4))}px`;
    this.tip.style.top = `${y + 18 + height > view.height ? Math.max(4, y - height - 12) : y + 18}px`;
  }

  destroy(): void {
    this.viewer.destroy();
    this.element.remove();
  }

  /** Where the slide lies now, for tests and for drawing. */
  view(): View {
    const { viewport } = this.viewer;
    const slide = this.slide as HeatSlide;
    const origin = viewport.pixelFromPoint(new OpenSeadragon.Point(0, 0), true);
    const far = viewport.pixelFromPoint(new OpenSeadragon.Point(1, 0), true);
    const { x: width, y: height } = viewport.getContainerSize();
    return { left: origin.x, top: origin.y, scale: (far.x - origin.x) / slide.width, width, height };
  }

  private draw(): void {
    if (!this.heat || !this.viewer.isOpen()) {
      this.canvas.getContext('2d')?.clearRect(0, 0, this.canvas.width, this.canvas.height);
      return;
    }
    this.heat.draw(this.canvas, this.view(), this.settings, this.marked);
  }

  private hover(event: PointerEvent): void {
    if (!this.slide || !this.viewer.isOpen()) return;
    const box = this.canvas.getBoundingClientRect();
    const { left, top, scale } = this.view();
    this.events.onHover({ x: (event.clientX - box.left - left) / scale, y: (event.clientY - box.top - top) / scale });
  }
}
