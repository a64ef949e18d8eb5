import { existsSync } from 'node:fs';
import { writeReport, type BagView, type InstanceScores, type ReportData } from '@mhim/figures';
import { rocAuc, tryMetric } from '@mhim/metrics';
import { useBackend } from '@mhim/tensor';
import type { Bag, BagSource } from '@mhim/datasets';
import { chooseFolds } from '../../data/choose-folds.js';
import { openData } from '../../data/open-data.js';
import { StoredModel } from '../../models/stored-model.js';
import { className } from '../../report/fold-curves.js';
import { describedProtocols } from '../../report/report-data.js';
import type { Environment } from '../../run/environment.js';
import { definitions } from '../../run/results.js';
import { RunFolder } from '../../run/run-folder.js';
import type { MapExperiment } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import type { PlannedCell } from '../graph/plan.js';

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
  score: 'attention' | 'margin';
  folder: string;
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

function shownModels({ experiment, store }: MapsInput, trained: readonly Job[]): Shown[] {
  return trained.flatMap((job, i): Shown[] => {
    const label = experiment.models[i]?.label as string;
    const { config, fold, moments } = job;
    const stage = store.folder(job.id).file(`fold-${fold}`, config.protocol, config.model);
    if (!moments) return [{ label, score: 'attention', folder: stage }];
    const score = config.mhim?.score === 'attention' ? 'attention' : 'margin';
    // Training may have stopped before the last of them.
    return [...new Set(moments)].flatMap((epochs) => {
      const folder = `${stage}/teacher-${epochs}`;
      return existsSync(folder) ? [{ label: `${label}, epoch ${epochs}`, score, folder } as const] : [];
    });
  });
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
  for (const { label, score, folder } of shown) {
    const model = await StoredModel.open(folder);
    try {
      bags.forEach((bag, i) => scores[i]?.push(scoresOf(model, bag, label, score, source.classes)));
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

function scoresOf(model: StoredModel, bag: Bag, label: string, score: Shown['score'], classes: number): InstanceScores {
  const { attention, scores: margins } = model.explain(bag);
  const values = score === 'attention' ? (attention ?? margins) : margins;
  const isAttention = values === attention;
  const probabilities = model.probabilities(bag);
  const call = probabilities.indexOf(Math.max(...probabilities));
  const labels = binary(bag);
  return {
    model: label,
    name: isAttention ? 'attention' : 'instance probability',
    description: isAttention
      ? 'Share of the instance in the bag embedding.'
      : 'Class-aware margin of the instance, of the same order as its probability (MHIM-v2 eq. 6).',
    className: 'any class',
    values,
    instanceAuc: labels && tryMetric(() => rocAuc(labels, values)),
    predicted: { label: className(call, classes), probability: probabilities[call] },
  };
}

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
