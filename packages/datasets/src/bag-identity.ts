import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';

/** What of a bag decides a run. */
export function identityOf({ id, caseId, label, time, event, split }: BagInfo): string {
  return `${[id, caseId, label, time, event, split].map((value) => value ?? '').join('\0')}\n`;
}

/** @throws MhimError `data` naming the bags that occur twice */
export function checkUnique(bags: readonly BagInfo[], path?: string): void {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { id } of bags) (seen.has(id) ? twice : seen).add(id);
  if (twice.size === 0) return;
  throw new MhimError(`${twice.size} bag ids occur more than once: ${some([...twice])}.`, {
    code: 'data',
    path,
    hint: 'Give every bag its own id.',
  });
}

/** The first few of a list of names, for messages. */
export function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} …` : names.join(', ');
}
