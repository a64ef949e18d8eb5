import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { MhimError } from '@mhim/tensor';
import { PROTOCOLS, type TrainInput } from '../config/train-config.js';
import type { Experiment } from '../experiments/experiment.js';
import { parsePlaces, type DataPlaces } from '../experiments/graph/locate-data.js';
import type { PlanOptions } from '../experiments/graph/plan.js';
import { SimulatedSets } from '../experiments/graph/simulated-sets.js';
import { knownStepTimes } from '../experiments/graph/step-times.js';
import { checkSettings } from '../experiments/graph/train-input.js';
import { integer } from './option-types.js';

/** What every command that plans experiments is told. */
export interface ExperimentFlags {
  dataRoot?: string;
  data: string[];
  simulated?: boolean;
  slides: number;
  k?: number;
  folds?: number[];
  seeds: number[];
  only: string[];
  protocol?: TrainInput['protocol'];
  epochs?: number;
  set: string[];
  out: string;
  /** Nothing may be written. */
  dryRun?: boolean;
}

/** Of rehearsals on simulated slides. */
const REHEARSAL = { k: 2, epochs: 2, instances: [10, 24], width: 16 } as const;

export function experimentOptions(command: Command): Command {
  return command
    .option(
      '--data-root <dir>',
      'folder of the data sets, as reproduce data check finds them; or SET/EXTRACTOR/ with SET/labels.csv, SET/folds',
    )
    .option(
      '--data <where>',
      'SET/EXTRACTOR=PATH or SET=PATH for one set; PATH or a built-in name alone stands in for all; repeatable',
      collect,
      [],
    )
    .option('--simulated', 'rehearse on made-up slides with small models and few epochs')
    .option('--slides <n>', 'of each simulated set', integer, 16)
    .option('--k <n>', 'make n folds where a set has none of its own (default: 5; simulated 2)', integer)
    .option('--folds <list>', 'run these folds only, e.g. 0,1 or 0-2', list)
    .option('--seeds <list>', 'repeat with these seeds; a seed makes its own folds', list, [2021])
    .option('--only <names>', 'rows and columns by their headings, e.g. "AB-MIL,MHIM-v2*"; repeatable', collect, [])
    .addOption(
      new Option('--protocol <name>', 'where epoch and threshold are chosen (default: paper)').choices(PROTOCOLS),
    )
    .option('--epochs <n>', 'instead of the paper’s', integer)
    .option(
      '--set <key=value>',
      'any option of reproduce train, for all trainings that have it; repeatable',
      collect,
      [],
    )
    .option('--out <dir>', 'where jobs and tables are kept', 'runs/paper');
}

/** Command line options as planning takes them. */
export function planOptions(
  experiments: readonly Experiment[],
  flags: ExperimentFlags,
  log: (line: string) => void,
): PlanOptions {
  checkSettings(flags.set);
  const { simulated, folds, seeds, only, protocol, set } = flags;
  const k = flags.k ?? (simulated ? REHEARSAL.k : undefined);
  const epochs = flags.epochs ?? (simulated ? REHEARSAL.epochs : undefined);
  return {
    experiments,
    places: placesOf(flags),
    seeds,
    ...(folds ? { folds } : {}),
    only,
    overrides: { protocol, epochs, k, settings: set, reduced: simulated ?? false },
    times: knownStepTimes(),
    log,
  };
}

function placesOf({ dataRoot, data, simulated, slides, out, set, dryRun = false }: ExperimentFlags): DataPlaces {
  const skips = set.includes('onMissing=skip');
  const places = { root: dataRoot, given: parsePlaces(data), ...(skips ? ({ onMissing: 'skip' } as const) : {}) };
  if (!simulated) return places;
  const { instances, width } = REHEARSAL;
  return { ...places, simulated: new SimulatedSets(join(out, 'simulated'), { slides, instances, width }, !dryRun) };
}

/** `0,2-4` → 0, 2, 3, 4. */
function list(text: string): number[] {
  const numbers = text.split(',').flatMap((part) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) - Number(first) > 1000) {
      throw new MhimError(`"${text}" is no list of whole numbers.`, {
        code: 'config',
        hint: 'For example 0,1 or 0-2.',
      });
    }
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  });
  return [...new Set(numbers)];
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
