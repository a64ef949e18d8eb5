import { MhimError } from '@mhim/tensor';
import { codeVersion } from '../../code-version.js';
import type { TrainConfig } from '../../config/train-config.js';
import { baselineOf, startsFromBaseline } from '../../models/create-model.js';
import { modelName } from '../../report/model-names.js';
import {
  cellSpec,
  COSTS,
  type CellSpec,
  type DataRef,
  type Experiment,
  type GridExperiment,
  type MetricName,
} from '../experiment.js';
import { costOf } from './cost.js';
import { assumedIndex, DataIndices, type DataIndex } from './data-index.js';
import { jobIdOf, workOf, type Job } from './job.js';
import { expectedPlace, locateData, type DataPlaces, type LocatedData } from './locate-data.js';
import { selected } from './selection.js';
import type { StepTimes } from './step-times.js';
import { trainConfigOf, type Overrides } from './train-input.js';

export interface PlanOptions {
  experiments: readonly Experiment[];
  places: DataPlaces;
  seeds: readonly number[];
  /** Numbers of the folds to run, from 0; all by default. */
  folds?: readonly number[];
  /** Names of rows and columns, see `selected`. */
  only?: readonly string[];
  overrides?: Overrides;
  /** What estimates are made of. */
  times: StepTimes;
  /** Plans what has no data yet as the paper describes it, for estimates; else such cells stay empty. */
  assumeMissing?: boolean;
  log: (line: string) => void;
}

/** What an experiment's cell is computed from. */
export interface PlannedCell {
  row: number;
  column: number;
  metric: MetricName;
  /** Ids, seeds by folds; none where there are no data. */
  jobs: readonly string[];
  /** The same trainings under the honest protocol, where both were asked for. */
  honest?: readonly string[];
}

export interface PlannedExperiment {
  id: string;
  /** Of a map figure: one cell a model, in their order. */
  cells: readonly PlannedCell[];
}

export interface Plan {
  /** Jobs that others start from stand before those. */
  jobs: readonly Job[];
  experiments: readonly PlannedExperiment[];
  /** Sets that cannot be used, each with the reason. */
  missing: readonly string[];
  /** Whether any of the data are made up, or models made small. */
  simulated: boolean;
  reduced: boolean;
  /** Whether the data are those of the paper, so that its numbers can be compared with. */
  comparable: boolean;
}

/**
 * All trainings that experiments need, each once: equal trainings of several tables are one job, and so is the baseline that
 * many start from.
 * @throws MhimError `config` when nothing is selected, `file-missing` when no data at all were found
 */
export async function planExperiments(options: PlanOptions): Promise<Plan> {
  const planner = new Planner(options);
  const planned: PlannedExperiment[] = [];
  for (const experiment of options.experiments) planned.push(await planner.add(experiment));
  return planner.finish(planned);
}

class Planner {
  private readonly jobs = new Map<string, Job>();
  private readonly missing = new Map<string, string>();
  private readonly indices: DataIndices;
  private simulated = false;
  private chosen = 0;

  constructor(private readonly options: PlanOptions) {
    this.indices = new DataIndices(options.log, options.places.simulated);
  }

  async add(experiment: Experiment): Promise<PlannedExperiment> {
    const cells = experiment.kind === 'maps' ? await this.maps(experiment) : await this.grid(experiment);
    return { id: experiment.id, cells };
  }

  finish(experiments: PlannedExperiment[]): Plan {
    if (this.chosen === 0) {
      throw new MhimError('selects nothing.', {
        code: 'config',
        path: '--only',
        hint: `Name headings as the tables show them, e.g. ${examples(this.options.experiments)}; * stands for any letters.`,
      });
    }
    if (this.jobs.size === 0) {
      throw new MhimError(`no data were found that can be used: ${this.missingSets().join('; ')}`, {
        code: 'file-missing',
        path: this.options.places.root ?? '--data-root',
        hint: 'Name the folder of the data sets with --data-root, single ones with --data SET/EXTRACTOR=PATH, or try --simulated.',
      });
    }
    const level = (job: Job): number =>
      job.needs.reduce((most, id) => Math.max(most, 1 + level(this.jobs.get(id) as Job)), 0);
    const jobs = [...this.jobs.values()].map((job) => ({ job, level: level(job) }));
    return {
      jobs: jobs.sort((a, b) => a.level - b.level).map(({ job }) => job),
      experiments,
      missing: this.missingSets(),
      simulated: this.simulated,
      reduced: this.options.overrides?.reduced ?? false,
      comparable: !this.simulated && this.options.places.given?.['*'] === undefined,
    };
  }

  private missingSets(): string[] {
    return [...this.missing].map(([set, why]) => `${set}: ${why.replace(/[.\s]*$/, '.')}`);
  }

  private async grid(experiment: GridExperiment): Promise<PlannedCell[]> {
    const cells: PlannedCell[] = [];
    for (const [row, rowSpec] of experiment.rows.entries()) {
      for (const [column, columnSpec] of experiment.columns.entries()) {
        const spec = cellSpec(rowSpec, columnSpec);
        if (!selected(rowSpec, columnSpec, this.options.only)) continue;
        this.chosen++;
        const { metric } = columnSpec;
        cells.push({ row, column, metric, ...(await this.cell(spec, metric)) });
      }
    }
    return cells;
  }

  private async maps(experiment: Experiment & { kind: 'maps' }): Promise<PlannedCell[]> {
    const cells: PlannedCell[] = [];
    for (const [row, { spec }] of experiment.models.entries()) {
      this.chosen++;
      const { jobs } = await this.cell(spec, 'auc', { first: true, moments: experiment.moments });
      cells.push({ row, column: 0, metric: 'auc', jobs });
    }
    return cells;
  }

  /** The jobs of a cell: one a seed and fold, or one alone where a cost is measured or a picture made. */
  private async cell(
    spec: CellSpec,
    metric: MetricName,
    { first = false, moments }: { first?: boolean; moments?: readonly number[] } = {},
  ): Promise<Pick<PlannedCell, 'jobs' | 'honest'>> {
    const data = await this.usable(spec);
    const test = spec.test && (await this.locate({ ...spec, set: spec.test }));
    if (data === undefined || (spec.test && test === undefined)) return { jobs: [] };
    const single = first || (COSTS as readonly string[]).includes(metric);
    const ids: string[] = [];
    const honest: string[] = [];
    for (const seed of single ? this.options.seeds.slice(0, 1) : this.options.seeds) {
      const { protocol, ...chosen } = trainConfigOf(spec, data.located, seed, this.options.overrides);
      const config: Job['config'] = { ...chosen, protocol: protocol === 'honest' ? 'honest' : 'paper' };
      const folds = await this.foldsOf(config, data.index);
      const judged = async (under: Job['config'], fold: number) => {
        const trained = await this.training(spec, under, fold, data.index, moments);
        return test ? this.job('evaluate', spec, under, fold, data.index, [trained], { test }) : trained;
      };
      for (const fold of single ? folds.slice(0, 1) : folds) {
        if (!first && single) {
          ids.push(await this.job('measure', spec, config, fold, data.index));
          continue;
        }
        ids.push(await judged(config, fold));
        if (protocol === 'both' && !first) honest.push(await judged({ ...config, protocol: 'honest' }, fold));
      }
    }
    return { jobs: ids, ...(honest.length > 0 ? { honest } : {}) };
  }

  private async training(
    spec: CellSpec,
    config: Job['config'],
    fold: number,
    index: DataIndex,
    moments?: readonly number[],
  ): Promise<string> {
    const baseline = baselineConfigOf(config);
    const needs = baseline ? [await this.job('train', spec, baseline, fold, index)] : [];
    const epochs = moments?.map((moment) => Math.max(1, Math.round(moment * config.epochs)));
    return this.job('train', spec, config, fold, index, needs, { moments: epochs });
  }

  private async job(
    kind: Job['kind'],
    { set, extractor, task, ...spec }: DataRef & Partial<CellSpec>,
    config: Job['config'],
    fold: number,
    index: DataIndex,
    needs: readonly string[] = [],
    { test, moments }: { test?: Found; moments?: readonly number[] } = {},
  ): Promise<string> {
    const what = kind === 'evaluate' ? ' on CPTAC' : kind === 'measure' ? ' cost' : '';
    const honest = config.protocol === 'honest' ? ' · honest' : '';
    const about: Omit<Job, 'id' | 'work' | 'code'> = {
      kind,
      name: `${set} · ${extractor} · ${modelName(config)}${variantOf(config, spec)}${what} · fold ${fold} · seed ${config.seed}${honest}`,
      data: { set, extractor, task },
      config,
      fold,
      needs,
      ...(test ? { test: test.located } : {}),
      ...(moments ? { moments } : {}),
    };
    const identity = index.assumed
      ? { fingerprint: index.fingerprint, split: `assumed, seed ${config.seed}` }
      : await this.indices.identity(config);
    const tested = test && { fingerprint: test.index.fingerprint, split: '' };
    const starts = needs.map((need) => (this.jobs.get(need) as Job).work);
    const work = workOf(about, starts, { fingerprint: identity.fingerprint, split: identity.split }, tested);
    const code = codeVersion();
    const id = jobIdOf(work, code);
    if (!this.jobs.has(id)) {
      const folds = config.k ?? 5;
      this.jobs.set(id, {
        ...{ id, work, code },
        ...about,
        cost: costOf(about, { index, folds, test: test?.index, times: this.options.times }),
      });
    }
    return id;
  }

  private async foldsOf(config: TrainConfig, index: DataIndex): Promise<readonly number[]> {
    const count = index.assumed ? (config.k ?? 5) : (await this.indices.identity(config)).folds;
    const all = Array.from({ length: count }, (_, fold) => fold);
    const { folds } = this.options;
    const beyond = folds?.find((fold) => fold >= count);
    if (beyond === undefined) return folds ?? all;
    throw new MhimError(`there is no fold ${beyond}.`, {
      code: 'config',
      path: '--folds',
      hint: `Folds are numbered 0 to ${count - 1}.`,
    });
  }

  /** A set to train on: with folds that can be made for every seed. */
  private async usable(spec: CellSpec): Promise<Found | undefined> {
    const found = await this.locate(spec);
    if (!found || found.index.assumed) return found;
    const configs = this.options.seeds.map((seed) => trainConfigOf(spec, found.located, seed, this.options.overrides));
    try {
      for (const config of configs) await this.indices.identity(config);
      return found;
    } catch (error) {
      return this.unusable(spec, error);
    }
  }

  private async locate({ set, extractor, task }: DataRef): Promise<Found | undefined> {
    const ref = { set, extractor, task };
    const { places } = this.options;
    try {
      const located = await locateData(ref, places);
      if (!located) throw new MhimError(expectedPlace(ref, places), { code: 'file-missing' });
      const index = await this.indices.index(located, task);
      this.simulated ||= index.simulated;
      return { located, index };
    } catch (error) {
      return this.unusable(ref, error);
    }
  }

  /** Of a sweep over many sets the others can be run; what is wrong with one is said once. For estimates it is assumed. */
  private unusable({ set, extractor, task }: DataRef, error: unknown): Found | undefined {
    if (!(error instanceof MhimError)) throw error;
    this.missing.set(`${set} with ${extractor} features`, error.message);
    if (!this.options.assumeMissing) return undefined;
    return { located: { data: set }, index: assumedIndex({ set, extractor, task }) };
  }
}

interface Found {
  located: LocatedData;
  index: DataIndex;
}

/** What a training starts from, as a training of its own; undefined where it starts from nothing. */
export function baselineConfigOf<C extends TrainConfig>(config: C): C | undefined {
  const { model, base, mhim, aggregator, preset: _preset, init, ...others } = config;
  const described = {
    ...({ format: 'mhim-model', version: 1, inputDim: 1, classes: 2 } as const),
    ...{ model, base, mhim, aggregator },
  };
  if (!startsFromBaseline(described) && init === undefined) return undefined;
  const baseline = baselineOf(described);
  return { ...others, model: baseline.model, aggregator: baseline.aggregator } as C;
}

/** What a row varies, for the job's name; its baseline varies nothing. */
function variantOf({ mhim, init }: TrainConfig, spec: Partial<CellSpec>): string {
  const varied = mhim ? Object.entries(spec.mhim ?? {}) : [];
  const said = [...varied.map(([key, value]) => `${key}=${String(value)}`), ...(init ? [`init=${init}`] : [])];
  return said.length === 0 ? '' : ` ${said.join(' ')}`;
}

function examples(experiments: readonly Experiment[]): string {
  const names = experiments.flatMap((experiment) =>
    experiment.kind === 'maps'
      ? []
      : [
          ...experiment.columns.slice(0, 1).map(({ header }) => header[0]),
          ...experiment.rows.slice(0, 3).map(({ label }) => label),
        ],
  );
  return [...new Set(names)].slice(0, 4).join(', ') || 'AB-MIL';
}
