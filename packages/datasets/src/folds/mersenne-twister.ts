import { mersenne, mersenneFromState } from 'pure-rand/generator/mersenne';

/** Draws unsigned 32-bit words. */
export type Words = () => number;

const STATE_SIZE = 624;

/**
 * MT19937 seeded by one 32-bit integer, as NumPy's `RandomState(seed)` seeds it
 * (Matsumoto and Nishimura 1998, `init_genrand` of the 2002 version).
 */
export function mersenneFromSeed(seed: number): Words {
  const generator = mersenne(seed | 0);
  return () => generator.next() >>> 0;
}

/** MT19937 seeded by an array of 32-bit words, as Python's `random.seed(integer)` seeds it (`init_by_array`, 2002). */
export function mersenneFromKey(key: readonly number[]): Words {
  const state = initialState(19650218);
  const previous = (i: number) => (state[i - 1] as number) ^ ((state[i - 1] as number) >>> 30);
  let i = 1;
  const advance = () => {
    i++;
    if (i < STATE_SIZE) return;
    state[0] = state[STATE_SIZE - 1] as number;
    i = 1;
  };
  for (let k = 0; k < Math.max(STATE_SIZE, key.length); k++) {
    const j = k % key.length;
    state[i] = (((state[i] as number) ^ Math.imul(previous(i), 1664525)) + (key[j] as number) + j) | 0;
    advance();
  }
  for (let k = 0; k < STATE_SIZE - 1; k++) {
    state[i] = (((state[i] as number) ^ Math.imul(previous(i), 1566083941)) - i) | 0;
    advance();
  }
  state[0] = 0x80000000 | 0;
  const generator = mersenneFromState([0, ...state]);
  // pure-rand keeps a state that is twisted one step ahead; one round brings this one there.
  for (let k = 0; k < STATE_SIZE; k++) generator.next();
  return () => generator.next() >>> 0;
}

function initialState(seed: number): number[] {
  const state = [seed];
  for (let i = 1; i < STATE_SIZE; i++) {
    const last = state[i - 1] as number;
    state.push((Math.imul(1812433253, last ^ (last >>> 30)) + i) | 0);
  }
  return state;
}
