import { element } from './element.js';
import type { HeatCanvas } from './heat-canvas.js';

/** Scores of a patch as the lines of a tip. */
export function describePatch(heat: HeatCanvas, patch: number): HTMLElement[] {
  const { attention, score, scoreName, centre, labels, x, y } = heat.scores;
  const lines: [string, string][] = [];
  if (attention) {
    const rank = Math.round(100 * heat.attentionRank(patch));
    lines.push(['attention', `${plain(attention[patch] as number)} · above ${rank} %`]);
  }
  lines.push([scoreName, scoreText(score[patch] as number, centre)]);
  if (labels) lines.push(['true label', (labels[patch] ?? -1) < 0 ? 'unknown' : String(labels[patch])]);
  lines.push(['patch', `${patch}, at ${plain(x[patch] as number)}, ${plain(y[patch] as number)}`]);
  return lines.map(([name, value]) => element('div', {}, element('span', {}, name), ' ', element('b', {}, value)));
}

/** Many differ from their centre after the fourth digit only: then the difference is what says something. */
function scoreText(score: number, centre: number | undefined): string {
  if (centre === undefined) return score.toFixed(3);
  const difference = score - centre;
  if (Math.abs(difference) >= 5e-4 || difference === 0) return score.toFixed(3);
  return `${centre.toFixed(2)} ${difference > 0 ? '+' : '−'} ${Math.abs(difference).toExponential(1)}`;
}

function plain(value: number): string {
  return Math.abs(value) >= 1e-3 || value === 0 ? String(Number(value.toPrecision(4))) : value.toExponential(1);
}
