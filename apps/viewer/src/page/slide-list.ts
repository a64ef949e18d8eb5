import type { HeatIndex, HeatSlide } from '@mhim/figures/heat-view';
import { byId, element } from './element.js';
import { urlOf } from './load.js';
import { verdictOf } from './verdict.js';

/** The list of slides with what each model makes of them. */
export class SlideList {
  private readonly items = new Map<string, HTMLButtonElement>();

  constructor(
    private readonly index: HeatIndex,
    choose: (slide: HeatSlide) => void,
  ) {
    const rows = index.slides.map((slide) => {
      const verdicts = slide.models.map((model) =>
        element(
          'span',
          { className: 'row', title: model.name },
          verdictOf(slide, model),
          element('span', { className: 'model' }, model.name),
        ),
      );
      const button = element(
        'button',
        { type: 'button', onclick: () => choose(slide) },
        thumbnail(slide),
        element(
          'span',
          { className: 'about' },
          element('b', {}, slide.id),
          ...(slide.label === undefined ? [] : [element('span', { className: 'label' }, `known: ${slide.label}`)]),
          ...verdicts,
        ),
      );
      this.items.set(slide.id, button);
      return element('li', {}, button);
    });
    byId('slide-list').replaceChildren(...rows);
    const filter = byId<HTMLInputElement>('filter');
    filter.hidden = index.slides.length < 8;
    filter.oninput = () => {
      const wanted = filter.value.trim().toLowerCase();
      rows.forEach((row, i) => (row.hidden = !(index.slides[i] as HeatSlide).id.toLowerCase().includes(wanted)));
    };
  }

  show(id: string): void {
    for (const [name, item] of this.items) item.setAttribute('aria-current', String(name === id));
    this.items.get(id)?.scrollIntoView({ block: 'nearest' });
  }

  /** The slide that many places before or after another. */
  neighbour(id: string, step: number): HeatSlide | undefined {
    const { slides } = this.index;
    const at = slides.findIndex((slide) => slide.id === id);
    return slides[Math.min(slides.length - 1, Math.max(0, at + step))];
  }
}

/** The level of the pyramid that is a picture of at most 128 pixels. */
function thumbnail({ folder, tiles }: HeatSlide): HTMLImageElement {
  const highest = Math.ceil(Math.log2(Math.max(tiles.width, tiles.height, 1)));
  const src = urlOf(folder, 'slide_files', String(Math.min(7, highest)), `0_0.${tiles.format}`);
  return element('img', { src, alt: '', loading: 'lazy', width: 56, height: 56 });
}
