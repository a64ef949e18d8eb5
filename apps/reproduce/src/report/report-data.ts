import type { BagSource } from '@mhim/datasets';
import type { FoldValues, MetricDefinition, ModelResult, Protocol as ReportProtocol, ReportData } from '@mhim/figures';
import type { TrainConfig } from '../config/train-config.js';
import type { Environment } from '../run/environment.js';
import { definitions, survivalDefinitions, type FoldResult, type Metrics, type StageResult } from '../run/results.js';
import type { Protocol, TrainOutcome } from '../run/train-run.js';
import { className, precisionRecallOf, rocOf, survivalOf, trainingOf } from './fold-curves.js';
import { testsOf } from './model-tests.js';
import { modelName, stageName } from './model-names.js';
import { runCosts } from './training-costs.js';

export interface ReportInput {
  config: TrainConfig;
  outcome: TrainOutcome;
  source: BagSource;
  environment: Environment;
  /** Seconds by stage. */
  timing: Record<string, number>;
  command: string;
  about?: { title?: string; description?: string; source?: string };
}

/** A run as the data of an HTML report; bags are added by the caller. */
export function reportData(input: ReportInput): ReportData {
  const { config, outcome, source, environment, timing, command, about = {} } = input;
  const { results, stages } = outcome;
  const { folds } = results;
  const survival = config.task === 'survival';
  const protocols: Protocol[] = config.protocol === 'both' ? ['honest', 'paper'] : [config.protocol];
  const each = <T>(of: (stages: TrainOutcome['stages'], protocol: Protocol, config: TrainConfig) => T[]): T[] =>
    protocols.flatMap((protocol) => of(stages, protocol, config));
  const counted = source.bags.map(({ instances }) => instances ?? 0);
  return {
    title: about.title ?? `${modelName(config)} on ${source.name}`,
    dataSet: {
      name: source.name,
      origin: source.simulated ? 'simulated' : 'real',
      description: about.description,
      source: about.source,
      bags: source.bags.length,
      classes: survival ? outcomes(source) : classes(source),
      instances: counted.reduce((a, b) => a + b, 0),
      width: source.width,
      folds: folds.length,
    },
    run: {
      date: environment.startedAt,
      backend: environment.backend.summary.replace(/^Backend: |\.$/g, ''),
      seed: config.seed,
      command,
      versions: environment.versions,
      durations: Object.entries(timing).map(([name, seconds]) => ({ name, seconds })),
      config,
    },
    protocols: protocols.map((protocol) => describedProtocols[protocol]),
    metrics: survival ? survivalMetricList : metricsOf(folds),
    results: protocols.flatMap((protocol) => modelResults(folds, protocol, config)),
    tests: each(testsOf),
    ...(survival ? { survival: each(survivalOf) } : {}),
    ...(source.classes === 2 && !survival ? { roc: each(rocOf), precisionRecall: each(precisionRecallOf) } : {}),
    training: each(trainingOf),
    // Both protocols train the same models; once is enough.
    costs: runCosts(stages, protocols[0] as Protocol, config),
  };
}

function classes(source: BagSource): { name: string; bags: number }[] {
  return Array.from({ length: source.classes }, (_, label) => ({
    name: className(label, source.classes),
    bags: source.bags.filter((bag) => bag.label === label).length,
  }));
}

function outcomes({ bags }: BagSource): { name: string; bags: number }[] {
  const died = bags.filter(({ event }) => event === 1).length;
  return [
    { name: 'died', bags: died },
    { name: 'censored', bags: bags.length - died },
  ];
}

/** How each protocol chooses, in words. */
export const describedProtocols: Record<Protocol, ReportProtocol> = {
  honest: {
    id: 'honest',
    name: 'Honest',
    description:
      'Epoch and threshold are chosen on a stratified part of the training fold that the model does not learn from; the test fold is used once.',
    optimistic: false,
  },
  paper: {
    id: 'paper',
    name: 'Paper',
    description:
      'Epoch and threshold are chosen on the test fold itself, because the paper has no validation set. All training bags are learnt from.',
    optimistic: true,
  },
};

const survivalMetricList: readonly MetricDefinition[] = [
  { id: 'cIndex', name: 'C-index', definition: survivalDefinitions.cIndex as string },
  { id: 'lastCIndex', name: 'C-index, last epoch', definition: `C-index of ${survivalDefinitions.last}` },
];

function metricsOf(folds: readonly FoldResult[]): MetricDefinition[] {
  const metric = (id: string, name: string, definition: string) => ({ id, name, definition });
  return [
    metric('auc', 'AUC', definitions.auc as string),
    metric('accuracy', 'Accuracy', definitions.accuracy as string),
    metric('f1', 'F1', definitions.f1 as string),
    metric('lastAuc', 'AUC, last epoch', `AUC of ${definitions.last}`),
    ...(folds.some(({ instanceAuc }) => typeof instanceAuc === 'number')
      ? [metric('instanceAuc', 'Instance AUC', definitions.instanceAuc as string)]
      : []),
  ];
}

type ProtocolResult = StageResult & { baseline?: StageResult };

function modelResults(folds: readonly FoldResult[], protocol: Protocol, config: TrainConfig): ModelResult[] {
  const own = folds.flatMap((fold): ProtocolResult[] =>
    protocol === 'honest' ? (fold.honest ? [fold.honest] : []) : [fold],
  );
  const baselines = own.flatMap(({ baseline }) => baseline ?? []);
  return [
    ...(baselines.length > 0
      ? [{ model: stageName('baseline', config), protocol, measures: measuresOf(baselines) }]
      : []),
    { model: modelName(config), protocol, measures: measuresOf(own) },
  ];
}

function measuresOf(stages: readonly StageResult[]): Record<string, FoldValues> {
  type Figure = 'auc' | 'accuracy' | 'f1' | 'cIndex';
  const undefinedIn = 'undefined in this fold';
  const values = (name: Figure, of: (stage: StageResult) => Metrics = (stage) => stage): FoldValues => ({
    folds: stages.map(of).map((figures) => ({
      value: figures[name] ?? null,
      reason: figures.reasons?.[name] ?? undefinedIn,
    })),
  });
  const last = (stage: StageResult) => stage.last;
  if (stages.some(({ cIndex }) => cIndex !== undefined)) {
    return { cIndex: values('cIndex'), lastCIndex: values('cIndex', last) };
  }
  const instanceAuc = () => ({
    folds: stages.map(({ instanceAuc: value = null }) => ({ value, reason: undefinedIn })),
  });
  return {
    auc: values('auc'),
    accuracy: values('accuracy'),
    f1: values('f1'),
    lastAuc: values('auc', last),
    ...(stages.some(({ instanceAuc }) => instanceAuc !== undefined) ? { instanceAuc: instanceAuc() } : {}),
  };
}
