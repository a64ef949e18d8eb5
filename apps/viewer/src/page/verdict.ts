import type { HeatModelEntry, HeatSlide } from '@mhim/figures/heat-view';
import { element } from './element.js';

/** What a model makes of a slide, in words; says so where the known class is another. */
export function verdictOf({ label }: HeatSlide, { classNames, probabilities, risk }: HeatModelEntry): HTMLElement {
  if (risk !== undefined) return element('span', { className: 'call' }, `risk ${risk.toFixed(2)}`);
  const best = probabilities.indexOf(Math.max(...probabilities));
  const name = classNames[best] ?? `class ${best}`;
  const wrong = label !== undefined && label !== name;
  const text = `${name} ${percent(probabilities[best] as number)}`;
  return element('span', { className: wrong ? 'call wrong' : 'call' }, wrong ? `${text} ✗` : text);
}

/** Never rounded to certainty. */
function percent(share: number): string {
  if (share > 0.995 && share < 1) return share > 0.9995 ? '> 99.9 %' : `${(100 * share).toFixed(1)} %`;
  return `${(100 * share).toFixed(0)} %`;
}
