import type { SlideResult } from '@mhim/slides';

/** What became of a slide, in a line. @param before it was done already */
export function describeResult(result: SlideResult, before: boolean): string {
  const { status, reason, regions, patches, seconds } = result;
  if (status === 'failed') return `failed: ${reason}`;
  const what = status === 'done' ? patchesOf(patches, regions) : 'no tissue found';
  return `${what}${before ? ', done before' : `, ${seconds.toFixed(1)} s`}`;
}

function patchesOf(patches: number, regions: number): string {
  // Patches that were given come without outlines.
  const of = regions === 0 ? '' : ` of ${regions} ${regions === 1 ? 'piece' : 'pieces'} of tissue`;
  return `${patches} ${patches === 1 ? 'patch' : 'patches'}${of}`;
}
