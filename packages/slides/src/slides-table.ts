import { stringify } from 'csv-stringify/sync';
import type { SlideResult } from './process-slide.js';

/** `slides.csv`: a row a slide. */
export function slidesTable(results: readonly SlideResult[]): string {
  const header = [
    'slide_id',
    'status',
    'regions',
    'patches',
    'base_magnification',
    'mpp',
    'seconds',
    'encoder',
    'reason',
  ];
  const rows = results.map((result) => [
    result.slide,
    result.status,
    result.regions,
    result.patches,
    result.baseMagnification ?? '',
    result.mpp ?? '',
    result.seconds.toFixed(1),
    result.encoder ?? '',
    result.reason ?? '',
  ]);
  return stringify([header, ...rows]);
}
