import { parse } from 'yaml';
import { MhimError } from '@mhim/tensor';
import { mhimSchema } from '../models/model-config.js';
import { checkConfig } from './read-config.js';
import { trainInputSchema, type TrainInput } from './train-config.js';

/**
 * Puts `--set key=value` options over a configuration: `maskRatioHigh=0.05` and all other names of MHIM's options stand
 * for `mhim.…`; others are named with their section (`aggregator.gated=true`) or are top-level (`weightDecay=0`).
 */
export function withSettings(input: TrainInput, settings: readonly string[]): TrainInput {
  const result = structuredClone(input) as Record<string, unknown>;
  for (const setting of settings) {
    const [, key, text] = /^([\w.]+)=(.*)$/s.exec(setting) ?? [];
    if (key === undefined || text === undefined) {
      throw new MhimError(`expected key=value, got "${setting}".`, {
        code: 'config',
        path: '--set',
        hint: 'For example --set maskRatioHigh=0.05.',
      });
    }
    const path = (key in mhimSchema.shape ? `mhim.${key}` : key).split('.');
    const last = path.pop() as string;
    let at = result;
    for (const section of path) at = (at[section] ??= {}) as Record<string, unknown>;
    at[last] = parse(text) as unknown;
  }
  return checkConfig(result, trainInputSchema, settings.length > 0 ? '--set' : undefined);
}
