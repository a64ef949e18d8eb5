import type { Adapters } from '../conformance-case.js';
import { abmilAdapters } from './abmil.js';
import { poolingAdapters } from './instance-pooling.js';

/** Every kind of case that our code solves. */
export const adapters: Adapters = {
  ...abmilAdapters,
  ...poolingAdapters,
};
