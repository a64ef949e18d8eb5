import type { BagSource } from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { labelsOf } from '../data/open-data.js';
import type { FoldModel } from './ensemble.js';

/**
 * @param labels the label table, where one is named
 * @throws MhimError `data` naming a bag of a class that a model has no output for
 */
export function requireKnownClasses(source: BagSource, models: readonly FoldModel[], labels?: string): void {
  for (const { model } of models) {
    const { classes } = model.config;
    const other = source.bags.find(({ label = 0 }) => label >= classes);
    if (!other) continue;
    throw new MhimError(
      `bag "${other.id}" is of class ${other.label}, but ${model.path} knows the classes 0 to ${classes - 1} only.`,
      { code: 'data', path: labelsOf(source, labels), hint: 'Is it the right label table, and the right model?' },
    );
  }
}
