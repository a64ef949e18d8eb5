import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { checkUnique, some } from './bag-identity.js';

export interface MatchedLabels {
  /** The rows that have a bag. */
  found: readonly BagInfo[];
  /** Labels without bag and bags without label that are left out. */
  skipped: readonly string[];
}

/**
 * Matches labels to bags by exact name.
 * @throws MhimError `data` naming ids that occur twice, labels without bags and bags without labels (unless they are to be
 * skipped), or when nothing matches
 */
export function matchLabels(
  path: string | undefined,
  ids: Iterable<string>,
  labels: readonly BagInfo[],
  onMissing: 'error' | 'skip' = 'error',
): MatchedLabels {
  checkUnique(labels, path);
  const known = new Set(ids);
  const named = new Set(labels.map(({ id }) => id));
  const found = labels.filter(({ id }) => known.has(id));
  const withoutBag = labels.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  const withoutLabel = [...known].filter((id) => !named.has(id));
  if (found.length === 0) {
    throw new MhimError('no bag has a label: none is named like an id of the table.', {
      code: 'data',
      path,
      hint: `Bags are named like ${some([...known])}; the table says ${some([...named])}.`,
    });
  }
  if (onMissing === 'skip') return { found, skipped: [...withoutBag, ...withoutLabel] };
  if (withoutBag.length > 0) {
    throw new MhimError(`${count(withoutBag, 'label has', 'labels have')} no bag: ${some(withoutBag)}.`, {
      code: 'data',
      path,
      hint: 'Extract these slides, take them out of the label table, or leave them out with --on-missing skip.',
    });
  }
  if (withoutLabel.length > 0) {
    throw new MhimError(`${count(withoutLabel, 'bag has', 'bags have')} no label: ${some(withoutLabel)}.`, {
      code: 'data',
      path,
      hint: 'Add them to the label table, or leave them out with --on-missing skip.',
    });
  }
  return { found, skipped: [] };
}

function count({ length }: readonly string[], one: string, several: string): string {
  return `${length} ${length === 1 ? one : several}`;
}
