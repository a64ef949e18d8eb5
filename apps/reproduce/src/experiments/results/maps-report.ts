import { existsSync } from 'node:fs';
import { writeReport, type BagView, type InstanceScores, type ReportData } from '@mhim/figures';
import { rocAuc, tryMetric } from '@mhim/metrics';
import { useBackend } from '@mhim/tensor';
import type { Bag, BagSource } from '@mhim/datasets';
import { chooseFolds } from '../../data/choose-folds.js';
import { openData } from '../../data/open-data.js';
import { explainSlide } from '../../heatmap/explain-slide.js';
import { StoredModel } from '../../models/stored-model.js';
import { className } from '../../report/fold-curves.js';
import { describedProtocols } from '../../report/report-data.js';
import type { Environment } from '../../run/environment.js';
import { definitions } from '../../run/results.js';
import { RunFolder } from '../../run/run-folder.js';
import type { MapExperiment, MapLayer } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import type { PlannedCell } from '../graph/plan.js';
import { firstMask } from './first-mask.js';

export interface MapsInput {
  /** The command that makes it again. */
  command: string;
  experiment: MapExperiment;
  cells: readonly PlannedCell[];
  jobs: ReadonlyMap<string, Job>;
  store: JobStore;
}

/** A model of the picture: one that was trained, or the teacher of a moment of its training. */
interface Shown {
  label: string;
  layers: readonly (MapLayer | 'margin')[];
  folder: string;
  seed: number;
  /** What it started from. */
  baseline?: string;
}

/**
 * Writes `ID.html`: test slides of the fold as the models see them, the first ones of the fold and not chosen for what they show.
 * @returns a line for the console
 */
export async function writeMaps(input: MapsInput): Promise<string> {
  const { experiment, cells, jobs, store } = input;
  const trained = cells.map((cell) => jobs.get(cell.jobs[0] ?? ''));
  const missing = trained.filter((job) => !job || !store.result(job.id));
  const [first] = trained;
  const title = `\n${experiment.id.replace('figure-', 'Figure ')}: ${experiment.title}\n`;
  if (!first || missing.length > 0) return `${title}${missing.length} of ${cells.length} trainings are not done.\n`;
  await useBackend({ log: () => {} });
  const source = await openData({ ...first.config, log: () => {} });
  try {
    const path = new RunFolder(store.root).file(`${experiment.id}.html`);
    const shown = shownModels(input, trained as Job[]);
    const bags = await views(source, first, shown, experiment);
    await writeReport(path, reportOf(input, trained as Job[], source, bags));
    return `${title}${bags.length} slides, ${shown.length} models: ${path}\n`;
  } finally {
    await source.close();
  }
}

function shownModels({ experiment, store, jobs }: MapsInput, trained: readonly Job[]): Shown[] {
  return trained.flatMap((job, i): Shown[] => {
    const label = experiment.models[i]?.label as string;
    const { moments, config, needs } = job;
    const { seed, mhim } = config;
    const stage = stageFolder(job, store);
    if (!moments) {
      const start = jobs.get(needs[0] ?? '');
      const baseline = start && mhim?.initTeacher !== false ? stageFolder(start, store) : undefined;
      return [{ label, layers: experiment.layers ?? ['attention'], folder: stage, seed, baseline }];
    }
    const layers = [mhim?.score === 'attention' ? ('attention' as const) : ('margin' as const)];
    // Training may have stopped before the last of them.
    return [...new Set(moments)].flatMap((epochs) => {
      const folder = `${stage}/teacher-${epochs}`;
      return existsSync(folder) ? [{ label: `${label}, epoch ${epochs}`, layers, folder, seed }] : [];
    });
  });
}

function stageFolder({ id, config, fold }: Job, store: JobStore): string {
  return store.folder(id).file(`fold-${fold}`, config.protocol, config.model);
}

async function views(
  source: BagSource,
  { config, fold }: Job,
  shown: readonly Shown[],
  { positive, negative }: MapExperiment,
): Promise<BagView[]> {
  const { test } = (await chooseFolds(source, config))[fold] as { test: number[] };
  const some = (label: number, count: number) =>
    test.filter((index) => source.bags[index]?.label === label).slice(0, count);
  const bags: Bag[] = [];
  for (const index of [...some(1, positive), ...some(0, negative)]) bags.push(await source.read(index));
  const scores = bags.map((): InstanceScores[] => []);
  for (const each of shown) {
    const model = await StoredModel.open(each.folder);
    try {
      for (const [i, bag] of bags.entries()) scores[i]?.push(...(await layersOf(model, bag, each)));
    } finally {
      model.dispose();
    }
  }
  return bags.map((bag, i) => {
    const labels = binary(bag);
    return {
      bag: bag.id,
      label: className(bag.label as number, source.classes),
      fold: fold + 1,
      coords: bag.coords,
      instanceLabels: labels,
      instanceClasses: labels && {
        positive: 'positive instance',
        negative: 'negative instance',
        source: 'the data set',
      },
      scores: scores[i] as InstanceScores[],
    };
  });
}

/** Probabilities are of the second class, which is the tumour's. */
const POSITIVE = 1;

async function layersOf(model: StoredModel, bag: Bag, shown: Shown): Promise<InstanceScores[]> {
  const explained = explainSlide([{ model }], bag, POSITIVE);
  const { probabilities, attention, score, centre } = explained;
  const { classes } = model.config;
  const call = probabilities.indexOf(Math.max(...probabilities));
  const labels = binary(bag);
  const judged = (values: ArrayLike<number>) => ({
    ...{ model: shown.label, className: 'any class', values },
    predicted: { label: className(call, classes), probability: probabilities[call] },
    instanceAuc: labels && tryMetric(() => rocAuc(labels, values)),
  });
  const margin = () => ({
    ...judged(model.explain(bag).scores),
    name: 'instance probability',
    description: 'Class-aware margin of the instance, of the same order as its probability (MHIM-v2 eq. 6).',
  });
  const found: InstanceScores[] = [];
  for (const layer of shown.layers) {
    switch (layer) {
      case 'margin':
        found.push(margin());
        break;
      case 'attention':
        // The teachers of Figure 8 keep the colours of the other score beside it.
        found.push(
          attention
            ? { ...judged(attention), name: layer, description: ATTENTION, ...(shown.layers.length > 1 ? BRIGHT : {}) }
            : margin(),
        );
        break;
      case 'probability': {
        const positive = className(POSITIVE, classes);
        const about = { name: `probability of ${positive}`, description: PROBABILITY, className: positive };
        found.push({ ...judged(score), ...about, style: 'cyan', centre });
        break;
      }
      case 'masked': {
        const { folder, baseline, seed } = shown;
        const values = baseline === undefined ? undefined : await firstMask(folder, baseline, bag, seed);
        if (!values) break;
        found.push({ ...judged(values), name: layer, description: MASKED, style: layer, instanceAuc: undefined });
      }
    }
  }
  return found;
}

const BRIGHT = { style: 'brightness' } as const;
const ATTENTION = 'Share of the instance in the bag embedding; recycled instances have shares too, and no place.';
const PROBABILITY =
  'Softmax of the logits that the classifier gives the instance’s own share of the bag embedding (MHIM-v2 eq. 6).';
const MASKED =
  'What the first step of training masks, while the teacher is the baseline: half of the candidates, by chance. Each step draws anew, and the mask narrows to nothing as training goes on.';

function binary(bag: Bag): number[] | undefined {
  return bag.instanceLabels && Array.from(bag.instanceLabels, (label) => (label > 0 ? 1 : 0));
}

function reportOf(
  { experiment, store, command }: MapsInput,
  trained: readonly Job[],
  source: BagSource,
  bags: readonly BagView[],
): ReportData {
  const first = trained[0] as Job;
  const folder = store.folder(first.id);
  const { startedAt, backend, versions } = folder.readJson<Environment>('environment.json') as Environment;
  const { protocol } = first.config;
  return {
    title: `${experiment.id.replace('figure-', 'Figure ')}: ${experiment.title}`,
    dataSet: {
      name: source.name,
      origin: source.simulated ? 'simulated' : 'real',
      bags: source.bags.length,
      instances: source.bags.reduce((sum, { instances = 0 }) => sum + instances, 0),
      width: source.width,
      folds: 1,
    },
    run: {
      date: startedAt,
      backend: backend.summary.replace(/^Backend: |\.$/g, ''),
      seed: first.config.seed,
      command,
      versions,
      durations: [],
      config: trained.map(({ id, name, config }) => ({ id, name, config })),
    },
    protocols: [describedProtocols[protocol]],
    metrics: [{ id: 'auc', name: 'AUC', definition: definitions.auc as string }],
    results: trained.map((job, i) => ({
      model: experiment.models[i]?.label as string,
      protocol,
      measures: {
        auc: { folds: [{ value: store.result(job.id)?.result?.auc ?? null, reason: 'undefined in this fold' }] },
      },
    })),
    bags,
    notes: [
      {
        title: 'Which slides are shown',
        text: `The first test slides of fold ${first.fold + 1}, not chosen for what they show.`,
      },
    ],
  };
}
