import type { HeatIndex, HeatModelEntry, HeatSlide } from '@mhim/figures/heat-view';
import { byId, element } from './element.js';
import { listenToKeys } from './keys.js';
import { LayerPanel } from './layer-panel.js';
import { loadIndex } from './load.js';
import { Pane } from './pane.js';
import { placeHash, readPlace, settingsDefaults } from './settings.js';
import { SlideList } from './slide-list.js';
import { TopPatches } from './top-patches.js';
import './viewer.css';

/** More side by side would be too narrow to see anything. */
const MOST_PANES = 4;

class Page {
  private readonly settings = structuredClone(settingsDefaults);
  private panes: Pane[] = [];
  private leader?: Pane;
  private slide: HeatSlide;
  private chosen: string[];
  private readonly list: SlideList;
  private readonly layers: LayerPanel;
  private readonly top: TopPatches;

  constructor(index: HeatIndex) {
    document.title = index.title;
    byId('title').textContent = index.title;
    this.list = new SlideList(index, (slide) => this.choose(slide));
    this.layers = new LayerPanel(this.settings, () => this.panes.forEach((pane) => pane.refresh()));
    this.top = new TopPatches((pane, patch) => this.goTo(pane, patch));
    const { slide, models } = readPlace(location.hash);
    this.slide = index.slides.find(({ id }) => id === slide) ?? (index.slides[0] as HeatSlide);
    this.chosen = models ?? this.slide.models.slice(0, 2).map(({ id }) => id);
    byId('show-list').onclick = () => this.showList();
    listenToKeys(this.keys());
    addEventListener('hashchange', () => {
      const place = readPlace(location.hash);
      const next = index.slides.find(({ id }) => id === place.slide);
      if (!next || (next === this.slide && String(place.models) === String(this.chosen))) return;
      this.chosen = place.models ?? this.chosen;
      this.slide = next;
      void this.show();
    });
    void this.show();
  }

  private choose(slide: HeatSlide): void {
    this.showList(false);
    if (slide === this.slide) return;
    this.slide = slide;
    void this.show();
  }

  /** On narrow screens the list lies over the page. */
  private showList(open = !document.body.classList.contains('list-open')): void {
    document.body.classList.toggle('list-open', open);
    byId('show-list').setAttribute('aria-expanded', String(open));
  }

  /** Panes of the chosen models on the chosen slide. */
  private async show(): Promise<void> {
    const { slide } = this;
    const shown = this.shownModels();
    this.list.show(slide.id);
    this.showModelChoices(shown);
    history.replaceState(null, '', placeHash({ slide: slide.id, models: this.chosen }));
    const before = this.leader?.place();
    if (String(this.panes.map(({ model }) => model)) !== String(shown.map(({ id }) => id))) this.replacePanes(shown);
    const { panes } = this;
    try {
      await Promise.all(panes.map((pane, i) => pane.open(slide, shown[i] as HeatModelEntry)));
    } catch (error) {
      this.say((error as Error).message, true);
      return;
    }
    if (slide !== this.slide || panes !== this.panes) return;
    this.layers.show(slide, shown, {
      attention: panes.some((pane) => pane.hasAttention),
      outlines: panes.some((pane) => pane.hasOutlines),
      score: panes[0]?.scores?.scoreName ?? 'score',
      centred: panes[0]?.scores?.centre !== undefined,
    });
    this.top.show(
      slide,
      panes.map((pane, i) => ({ pane, model: shown[i] as HeatModelEntry })),
    );
    // The panes have their size only now that everything around them is there, and OpenSeadragon sees it in one of its next frames.
    for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
    for (const pane of panes) pane.goTo(before?.slide === slide ? before : undefined);
    this.say(`Slide ${slide.id}`);
    document.body.dataset.ready = slide.id;
  }

  /** The chosen models that the slide has; its first where it has none of them. */
  private shownModels(): HeatModelEntry[] {
    const { models } = this.slide;
    const shown = models.filter(({ id }) => this.chosen.includes(id)).slice(0, MOST_PANES);
    return shown.length > 0 ? shown : models.slice(0, 1);
  }

  private replacePanes(models: readonly HeatModelEntry[]): void {
    for (const pane of this.panes) pane.destroy();
    this.panes = models.map(
      ({ id }) =>
        new Pane(id, this.settings, {
          onMove: (pane) => this.move(pane),
          onHover: (place) => this.panes.forEach((pane) => pane.point(place)),
        }),
    );
    this.leader = this.panes[0];
    const host = byId('panes');
    host.replaceChildren(...this.panes.map((pane) => pane.element));
    host.dataset.count = String(this.panes.length);
    for (const pane of this.panes) {
      for (const name of ['pointerdown', 'wheel', 'pointerenter'] as const) {
        pane.element.addEventListener(name, () => (this.leader = pane), { capture: true, passive: true });
      }
    }
  }

  private move(pane: Pane): void {
    if (pane !== this.leader) return;
    for (const other of this.panes) if (other !== pane) other.follow(pane);
  }

  private goTo(pane: Pane, patch: number): void {
    this.leader = pane;
    pane.zoomTo(patch);
    // On a phone the page is scrolled down to the patches.
    pane.element.scrollIntoView({ block: 'nearest' });
    for (const other of this.panes) if (other !== pane) other.markAs(pane);
    this.say(`Patch ${patch}`);
  }

  private showModelChoices(shown: readonly HeatModelEntry[]): void {
    const { models } = this.slide;
    const ids = shown.map(({ id }) => id);
    const boxes = models.map(({ id, name }) => {
      const box = element('input', { type: 'checkbox', checked: ids.includes(id) });
      box.disabled = ids.includes(id) ? ids.length === 1 : ids.length >= MOST_PANES;
      box.onchange = () => {
        this.chosen = models.map((model) => model.id).filter((one) => (one === id ? box.checked : ids.includes(one)));
        void this.show();
      };
      return element('label', {}, box, name);
    });
    byId('models').replaceChildren(...(models.length > 1 ? boxes : []));
  }

  private keys() {
    const toggle = { l: 'slide', a: 'attention', s: 'score', o: 'outlines', t: 'top' } as const;
    const lead = (act: (pane: Pane) => void) => {
      this.leader ??= this.panes[0];
      if (this.leader) act(this.leader);
    };
    const step = (by: number) => {
      const next = this.list.neighbour(this.slide.id, by);
      if (next) this.choose(next);
    };
    const arrows: Record<string, [x: number, y: number]> = {
      ArrowLeft: [-80, 0],
      ArrowRight: [80, 0],
      ArrowUp: [0, -80],
      ArrowDown: [0, 80],
    };
    return [
      { keys: ['n', 'p'], text: 'next and previous slide', act: (key: string) => step(key === 'n' ? 1 : -1) },
      ...Object.entries(toggle).map(([key, layer]) => ({
        keys: [key],
        text: `${layer === 'top' ? 'frames of the top patches' : layer}: show or hide`,
        act: () => this.layers.toggle(layer),
      })),
      {
        keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
        text: 'zoom to a top patch of the first model',
        act: (key: string) => this.top.goTo(Number(key) - 1),
      },
      { keys: ['0', 'Home'], text: 'whole slide', act: () => lead((pane) => pane.home()) },
      { keys: ['+', '='], text: 'closer', act: () => lead((pane) => pane.zoomBy(1.5)) },
      { keys: ['-'], text: 'farther', act: () => lead((pane) => pane.zoomBy(1 / 1.5)) },
      {
        keys: Object.keys(arrows),
        text: 'move',
        act: (key: string) => lead((pane) => pane.panBy(...(arrows[key] as [number, number]))),
      },
    ];
  }

  private say(text: string, isError = false): void {
    const status = byId('status');
    status.textContent = text;
    status.classList.toggle('error', isError);
  }
}

loadIndex().then(
  (index) => {
    if (index.slides.length > 0) new Page(index);
    else byId('status').textContent = 'There are no heatmaps here yet: run reproduce heatmap.';
  },
  (error: Error) => {
    byId('status').textContent = error.message;
    byId('status').classList.add('error');
  },
);
