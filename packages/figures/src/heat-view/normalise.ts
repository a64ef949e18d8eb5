import { percentiles } from '../percentiles.js';
import type { Numbers } from '../report-data.js';

/**
 * How scores become brightness:
 * `rank`: share of the slide's patches with lower scores, as CLAM's heatmaps and our reports do; uses the whole range on every slide.
 * `percentile`: linear between two percentiles, values beyond them clipped; keeps distances, not led by outliers.
 * `range`: linear from the lowest to the highest score, as TRIDENT's heatmaps.
 * `centred`: linear around a value that becomes ½, as wide on both sides as the farthest scores but for outliers; keeps the side on which a
 * score lies, for probabilities of classes that differ by little.
 * `none`: the score itself, clipped to 0…1, for probabilities and to compare slides.
 */
export const NORMALISATIONS = ['rank', 'percentile', 'range', 'centred', 'none'] as const;
export type Normalisation = (typeof NORMALISATIONS)[number];

export interface NormaliseOptions {
  method?: Normalisation;
  /** Of `percentile`: what becomes 0 and what becomes 1. Default 1 and 99. */
  low?: number;
  /** Of `centred` too: the percentile of the distances that spans the range. */
  high?: number;
  /** Of `centred`: what becomes ½. Default ½. */
  centre?: number;
}

/**
 * Scores [n] → shares [n] from 0 to 1. Equal scores have equal shares; NaN and infinite ones become NaN. Where all scores are
 * equal, there is nothing to tell apart: `rank` gives ½ (1 to a single patch), `percentile` and `range` give 1.
 */
export function normaliseScores(scores: Numbers, options: NormaliseOptions = {}): Float32Array {
  const { method = 'rank', low = 1, high = 99, centre = 0.5 } = options;
  if (method === 'rank') return Float32Array.from(percentiles(scores), (percentile) => percentile / 100);
  if (method === 'none') return Float32Array.from(scores, (score) => share(score, 0, 1));
  if (method === 'centred') {
    const reach = quantile(sortedFinite(Array.from(scores, (score) => Math.abs(score - centre))), high / 100);
    if (!(reach > 0)) return Float32Array.from(scores, (score) => (Number.isFinite(score) ? 0.5 : NaN));
    return Float32Array.from(scores, (score) => share(score, centre - reach, centre + reach));
  }
  const sorted = sortedFinite(scores);
  const [from, to] = method === 'range' ? [0, 100] : [low, high];
  const [bottom, top] = [quantile(sorted, from / 100), quantile(sorted, to / 100)];
  return Float32Array.from(scores, (score) => share(score, bottom, top));
}

function share(score: number, bottom: number, top: number): number {
  if (!Number.isFinite(score)) return NaN;
  return top > bottom ? Math.min(1, Math.max(0, (score - bottom) / (top - bottom))) : 1;
}

function sortedFinite(values: Numbers): Float64Array {
  return Float64Array.from(Array.from(values).filter(Number.isFinite)).sort();
}

/** Linear between neighbours, as NumPy's default. */
function quantile(sorted: Float64Array, at: number): number {
  const position = at * (sorted.length - 1);
  const left = Math.floor(position);
  const [a, b] = [sorted[left] as number, sorted[Math.min(left + 1, sorted.length - 1)] as number];
  return a + (b - a) * (position - left);
}
