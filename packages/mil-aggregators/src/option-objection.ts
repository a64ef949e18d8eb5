import { activationNames } from '@mhim/tensor';

/**
 * What is wrong with the value of an option, told by its default and its name: layers have whole widths, dropout rates are
 * shares, activations have names.
 * @param like its default
 * @param words what it may say, where it says words
 * @returns nothing when the value can be
 */
export function optionObjection(
  key: string,
  value: unknown,
  like: unknown,
  words: readonly unknown[] | undefined = /activation$/i.test(key) ? activationNames : undefined,
): string | undefined {
  const expected = (what: string) => `expected ${what}, got ${JSON.stringify(value)}.`;
  if (words) return words.includes(value) ? undefined : expected(`one of ${words.join(', ')}`);
  if (like !== undefined && typeof value !== typeof like) {
    return expected(`a ${typeof like} such as ${JSON.stringify(like)}`);
  }
  if (typeof value !== 'number') return undefined;
  if (!Number.isFinite(value)) return expected('a finite number');
  if (/dropout$/i.test(key) && !(value >= 0 && value < 1)) return expected('a share from 0 and below 1');
  if (/(dim|heads|classes)$/i.test(key) && !(Number.isInteger(value) && value >= 1)) {
    return expected('a whole number from 1');
  }
  return undefined;
}
