import { NORMALISATIONS, type HeatModelEntry, type HeatSlide } from '@mhim/figures/heat-view';
import { byId, element } from './element.js';
import { urlOf } from './load.js';
import type { LayerName, Settings } from './settings.js';

const NAMES: readonly [layer: LayerName, name: string, key: string, legend: string][] = [
  ['slide', 'Slide', 'l', ''],
  ['attention', 'Attention', 'a', 'bright: much'],
  ['score', 'Score', 's', ''],
  ['outlines', 'Outlines', 'o', 'blue: known'],
  ['top', 'Top patches', 't', 'orange: those below'],
];

interface LayerRow {
  box: HTMLInputElement;
  name: HTMLElement;
  legend: HTMLElement;
  row: HTMLElement;
}

/** Switches and opacities of the layers, and the slide's files. */
export class LayerPanel {
  private readonly rows = new Map<LayerName, LayerRow>();
  private readonly files = element('details', { className: 'files' });

  constructor(
    private readonly settings: Settings,
    private readonly onChange: () => void,
  ) {
    const rows = NAMES.map(([layer, text, key, legend]) => this.row(layer, text, key, legend));
    const style = this.choice('Attention as', settings.attentionStyle, ['brightness', 'scale'], (value) => {
      settings.attentionStyle = value as Settings['attentionStyle'];
    });
    const method = this.choice(
      'scaled by',
      settings.normalisation,
      NORMALISATIONS.filter((name) => name !== 'centred'),
      (value) => (settings.normalisation = value as Settings['normalisation']),
    );
    byId('layers').replaceChildren(...rows, element('div', { className: 'choices' }, style, method), this.files);
  }

  toggle(layer: LayerName): void {
    const { box } = this.rows.get(layer) as LayerRow;
    if (box.disabled) return;
    this.settings.layers[layer].shown = box.checked = !box.checked;
    this.onChange();
  }

  /** What the slide has; layers that it has not cannot be switched. */
  show(
    slide: HeatSlide,
    models: readonly HeatModelEntry[],
    has: { attention: boolean; outlines: boolean; score: string; centred: boolean },
  ): void {
    this.enable('attention', has.attention);
    this.enable('outlines', has.outlines);
    const { name, legend } = this.rows.get('score') as LayerRow;
    legend.textContent = has.centred ? 'cyan: favoured, bright: by far' : 'cyan: high within the slide';
    name.textContent = has.score.charAt(0).toUpperCase() + has.score.slice(1);
    const links = models.map((model) =>
      element(
        'p',
        {},
        element('b', {}, model.name),
        ...(model.files ?? []).flatMap((file) => [
          ' ',
          element('a', { href: urlOf(slide.folder, model.id, file), target: '_blank', rel: 'noopener' }, file),
        ]),
      ),
    );
    this.files.replaceChildren(element('summary', {}, 'Files'), ...links);
  }

  private enable(layer: LayerName, possible: boolean): void {
    const { box, row } = this.rows.get(layer) as LayerRow;
    box.disabled = !possible;
    row.classList.toggle('absent', !possible);
  }

  private row(layer: LayerName, text: string, key: string, legend: string): HTMLElement {
    const state = this.settings.layers[layer];
    const box = element('input', { type: 'checkbox', checked: state.shown });
    box.onchange = () => {
      state.shown = box.checked;
      this.onChange();
    };
    const name = element('span', {}, text);
    const opacity = element('input', { type: 'range', min: '0', max: '100', value: String(100 * state.opacity) });
    opacity.setAttribute('aria-label', `Opacity of ${text}`);
    opacity.oninput = () => {
      state.opacity = Number(opacity.value) / 100;
      this.onChange();
    };
    box.dataset.layer = layer;
    const small = element('small', {}, legend);
    const row = element(
      'div',
      { className: 'layer' },
      element('label', { title: `Key ${key}` }, box, name),
      opacity,
      small,
    );
    this.rows.set(layer, { box, name, legend: small, row });
    return row;
  }

  private choice(text: string, value: string, options: readonly string[], set: (value: string) => void): HTMLElement {
    const select = element('select', {}, ...options.map((option) => element('option', { value: option }, option)));
    select.value = value;
    select.onchange = () => {
      set(select.value);
      this.onChange();
    };
    return element('label', {}, `${text} `, select);
  }
}
