import type { ModelConfig } from './model-config.js';

/** Options of MHIM that came after run folders were first written, at the value that every run of then had. */
const later: NonNullable<ModelConfig['mhim']> = {
  score: 'probability',
  headFusion: 'vote',
  teacher: 'momentum',
  momentumRise: 'none',
  officialGradient: false,
};

/** A configuration as it is compared with a stored one: a folder that lacks a later option had its value of then. */
export function comparable<C extends Pick<ModelConfig, 'mhim'>>(config: C): C {
  if (!config.mhim) return config;
  const said = Object.entries(config.mhim).filter(([key, value]) => later[key as keyof typeof later] !== value);
  return { ...config, mhim: Object.fromEntries(said) };
}
