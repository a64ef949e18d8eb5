import { parse } from 'yaml';
import { MhimError, suggestion } from '@mhim/tensor';
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
    const [section = '', ...rest] = (Object.hasOwn(mhimSchema.shape, key) ? `mhim.${key}` : key).split('.');
    if (!Object.hasOwn(trainInputSchema.shape, section)) {
      const known = [...Object.keys(mhimSchema.shape), ...Object.keys(trainInputSchema.shape)];
      throw new MhimError(`unknown key "${key}"${suggestion(key, known)}.`, {
        code: 'config',
        path: '--set',
        hint: 'See reproduce train --help for all options.',
      });
    }
    result[section] = rest.length === 0 ? valueOf(text, key) : placed(result[section], rest, valueOf(text, key));
  }
  return checkConfig(result, trainInputSchema, settings.length > 0 ? '--set' : undefined);
}

/** A section with the value at a path of its keys; what is no section becomes one. */
function placed(section: unknown, [key, ...rest]: string[], value: unknown): Record<string, unknown> {
  const own = typeof section === 'object' && section !== null ? (section as Record<string, unknown>) : {};
  return { ...own, [key as string]: rest.length === 0 ? value : placed(own[key as string], rest, value) };
}

function valueOf(text: string, key: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (cause) {
    throw new MhimError(`the value of ${key} cannot be read: ${(cause as Error).message.split('\n')[0]}`, {
      code: 'config',
      path: '--set',
      cause,
    });
  }
}
