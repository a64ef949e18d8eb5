import type { HeatModelEntry, HeatSlide } from '@mhim/figures/heat-view';
import { byId, element } from './element.js';
import { urlOf } from './load.js';
import type { Pane } from './pane.js';

export interface TopRow {
  pane: Pane;
  model: HeatModelEntry;
}

/** Rows of the patches with the highest scores; each is a button that brings its place up. */
export class TopPatches {
  private by: 'attention' | 'score' = 'attention';
  private shown: { slide: HeatSlide; rows: readonly TopRow[] } | undefined;

  constructor(private readonly go: (pane: Pane, patch: number) => void) {}

  show(slide: HeatSlide, rows: readonly TopRow[]): void {
    this.shown = { slide, rows };
    const hasAttention = rows.some(({ pane }) => pane.hasAttention);
    const by = hasAttention ? this.by : 'score';
    const scoreName = rows[0]?.pane.scores?.scoreName ?? 'score';
    const choices = (['attention', 'score'] as const)
      .filter((name) => name === 'score' || hasAttention)
      .map((name) => {
        const button = element('button', { type: 'button' }, name === 'score' ? scoreName : name);
        button.setAttribute('aria-pressed', String(name === by));
        button.onclick = () => {
          this.by = name;
          if (this.shown) this.show(this.shown.slide, this.shown.rows);
        };
        return button;
      });
    const lists = rows.map(({ pane, model }) => {
      const patches = (pane.scores?.top ?? []).filter((patch) => patch.by === by);
      const items = patches.map(({ index, image }, i) => {
        const label = `${model.name}: patch ${i + 1} by ${by === 'score' ? scoreName : by}`;
        const picture = element('img', { src: urlOf(slide.folder, model.id, image), alt: '', loading: 'lazy' });
        const button = element(
          'button',
          { type: 'button', title: label, onclick: () => this.go(pane, index) },
          picture,
        );
        button.setAttribute('aria-label', label);
        return element('li', {}, button);
      });
      return element(
        'div',
        { className: 'top-row' },
        element('span', { className: 'model' }, model.name),
        element('ul', {}, ...items),
      );
    });
    byId('top').replaceChildren(element('div', { className: 'choices' }, 'Top patches by ', ...choices), ...lists);
  }

  /** The place of the n-th patch of the first row. */
  goTo(n: number): void {
    const row = byId('top').querySelector('.top-row');
    row?.querySelectorAll('button')[n]?.click();
  }
}
