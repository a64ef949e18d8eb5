import { MhimError, suggestion } from '@mhim/tensor';
import { InvalidArgumentError } from 'commander';
import { findName } from '../models/model-names.js';

/** A whole number of 0 or more, for commander. */
export function integer(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
}

/** One of some names, in any of its spellings. */
export function nameOf<N extends string>(names: readonly N[]): (text: string) => N {
  return (text) => {
    const name = findName(text, names);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`Allowed choices are ${names.join(', ')}.${suggestion(text, names)}`);
  };
}

/** `--root` is how `--data` is called with a data set. */
export function dataOf(
  data: string | undefined,
  root: string | undefined,
  dataSet: string | undefined,
): string | undefined {
  if (root === undefined) return data;
  if (data === undefined && dataSet !== undefined) return root;
  throw new MhimError(data === undefined ? 'is the folder of a data set.' : 'cannot go with --data.', {
    code: 'config',
    path: '--root',
    hint: data === undefined ? 'Name the set with --data-set, or use --data.' : 'Leave one of the two out.',
  });
}
