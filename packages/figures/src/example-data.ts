import { rocAuc, rocCurve, seededRandom, tryMetric } from '@mhim/metrics';
import { examplePrecisionRecall, examplePublished, exampleSurvival, exampleSweep } from './example-curves.js';
import type { BagView, InstanceScores, ModelResult, ReportData, RocPoints, TrainingCurve } from './report-data.js';

/** A made-up experiment for the tests and for looking at the layout: two models, five folds, bags with and without coordinates. */
export function exampleData({ instances = 900 }: { instances?: number } = {}): ReportData {
  const random = seededRandom(7);
  const models = ['AB-MIL', 'MHIM-v2 (AB-MIL)'];
  return {
    title: 'AB-MIL and MHIM-v2 on simulated slides',
    dataSet: {
      name: 'simulated slides, difficulty 0.5',
      origin: 'simulated',
      description: 'A bag is a simulated slide, an instance a patch on a grid; tumour regions are spatially coherent.',
      source: 'made by @mhim/datasets, seed 7',
      bags: 120,
      classes: [
        { name: 'normal', bags: 64 },
        { name: 'tumour', bags: 56 },
      ],
      instances: 1_204_331,
      width: 1024,
      folds: 5,
    },
    run: {
      date: '2026-11-23T12:00:00Z',
      backend: 'tensorflow (CPU, 2 cores)',
      seed: 2021,
      command: 'npm run reproduce -- --out runs/demo --seed 2021',
      versions: { node: 'v20.20.2', '@mhim/training': '0.1.0', '@tensorflow/tfjs': '4.22.0', libtensorflow: '2.9.1' },
      durations: [
        { name: 'AB-MIL', seconds: 71.4 },
        { name: 'MHIM-v2 (AB-MIL)', seconds: 133.8 },
      ],
      config: { epochs: 40, learningRate: 2e-4, maskRatioHigh: { from: 0.03, to: 0 }, momentum: 0.9999 },
    },
    protocols: [
      {
        id: 'honest',
        name: 'inner validation',
        description:
          'Epoch and threshold are chosen on a validation split of the training folds; the test fold is seen once.',
        optimistic: false,
      },
      {
        id: 'paper',
        name: 'as in the paper',
        description: 'Epoch and threshold are chosen on the test fold itself, which makes the numbers too good.',
        optimistic: true,
      },
    ],
    metrics: [
      {
        id: 'accuracy',
        name: 'Accuracy',
        definition: 'share of bags whose class is predicted right at the chosen threshold',
      },
      { id: 'f1', name: 'F1', definition: 'of the positive class (tumour) at the chosen threshold' },
      { id: 'auc', name: 'AUC', definition: 'area under the ROC curve of the test fold; ties count half' },
    ],
    results: ['honest', 'paper'].flatMap((protocol, p) =>
      models.map((model, m) => exampleResult(model, protocol, 0.82 + 0.05 * p + 0.04 * m, random)),
    ),
    roc: models.map((model, m) => ({
      model,
      protocol: 'honest',
      positiveClass: 'tumour',
      folds: Array.from({ length: 5 }, () => exampleRoc(0.9 + m * 0.6, random)),
    })),
    precisionRecall: models.map((model, m) => ({
      model,
      protocol: 'honest',
      positiveClass: 'tumour',
      prevalence: 1 / 3,
      folds: Array.from({ length: 5 }, () => examplePrecisionRecall(0.3 + m * 0.3, random)),
    })),
    survival: [exampleSurvival('MHIM-v2 (AB-MIL)', random)],
    sweeps: [exampleSweep(random)],
    published: [examplePublished(models, random)],
    tests: [
      {
        metric: 'AUC',
        protocol: 'honest',
        first: 'AB-MIL',
        second: 'MHIM-v2 (AB-MIL)',
        difference: { value: 0.034 },
        interval: { lower: -0.004, upper: 0.072 },
        p: { value: 0.081 },
        method: 'DeLong, all test folds pooled',
      },
    ],
    costs: models.map((model, i) => ({
      model,
      parameters: 657_155 + i * 1_500_000,
      epochSeconds: 3.1 + i,
      bagsPerSecond: 41.2 - 6 * i,
      peakMegabytes: i === 0 ? 612 : undefined,
    })),
    training: models.flatMap((model) =>
      ['training loss', 'validation AUC'].map((quantity) => exampleTraining(model, quantity, random)),
    ),
    bags: [
      exampleSlide(models, instances, random),
      exampleImage(models, random),
      exampleRanking(models, random),
      unlabelled(models, random),
    ],
    notes: [
      {
        title: 'Two protocols',
        text: 'The paper has no validation set.\n\nIts numbers can only be compared with numbers made in the same way.',
      },
      { title: 'Small folds', text: 'A test fold has 24 bags: one bag more or less is 0.042 of accuracy.' },
    ],
  };
}

type Random = () => number;

function exampleResult(model: string, protocol: string, level: number, random: Random): ModelResult {
  const folds = (offset: number) =>
    Array.from({ length: 5 }, () => ({ value: Math.min(level + offset + (random() - 0.5) * 0.12, 1) }));
  const f1 = folds(-0.01);
  return {
    model,
    protocol,
    measures: {
      accuracy: { folds: folds(0) },
      f1: {
        folds:
          protocol === 'honest' && model === 'AB-MIL'
            ? [{ value: null, reason: 'neither label nor prediction of tumour' }, ...f1.slice(1)]
            : f1,
      },
      auc: { folds: folds(0.05) },
    },
  };
}

function exampleRoc(separation: number, random: Random): RocPoints {
  const labels = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 1 : 0));
  const scores = labels.map((label) => label * separation + normal(random) * 0.8);
  const { fpr, tpr } = rocCurve(labels, scores);
  return { fpr: Array.from(fpr), tpr: Array.from(tpr), auc: tryMetric(() => rocAuc(labels, scores)) };
}

function exampleTraining(model: string, quantity: string, random: Random): TrainingCurve {
  const isLoss = quantity.endsWith('loss');
  return {
    model,
    quantity,
    folds: Array.from({ length: 5 }, () => {
      const epochs = Array.from({ length: 40 }, (_, i) => i + 1);
      const rate = 0.05 + random() * 0.06;
      const values = epochs.map((epoch) => {
        const left = Math.exp(-rate * epoch);
        return isLoss ? 0.12 + 0.58 * left + random() * 0.04 : Math.min(0.95 - 0.4 * left + (random() - 0.5) * 0.06, 1);
      });
      const chosen = [
        { protocol: 'honest', epoch: 18 + Math.floor(random() * 20) },
        { protocol: 'paper', epoch: 12 + Math.floor(random() * 20) },
      ];
      return { epochs, values, ...(isLoss ? {} : { chosen }) };
    }),
  };
}

function exampleSlide(models: readonly string[], instances: number, random: Random): BagView {
  const side = Math.ceil(Math.sqrt(instances * 1.4));
  const places: [number, number][] = [];
  for (let i = 0; places.length < instances && i < side * side; i++) {
    const [x, y] = [i % side, Math.floor(i / side)];
    const inTissue =
      ((x - side / 2) / (side / 2)) ** 2 + ((y - side / 2) / (side / 2)) ** 2 < 1.02 + 0.1 * Math.sin(x / 4);
    if (inTissue) places.push([x, y]);
  }
  const labels = places.map(([x, y]) => ((x - side * 0.62) ** 2 + (y - side * 0.4) ** 2 < (side * 0.12) ** 2 ? 1 : 0));
  return {
    bag: 'simulated/slide-0042',
    label: 'tumour',
    fold: 1,
    coords: places.flatMap(([x, y]) => [x * 512, y * 512]),
    patchSize: 512,
    micronsPerUnit: 0.5,
    instanceLabels: labels,
    instanceClasses: { positive: 'tumour patch', negative: 'normal patch', source: 'known from the simulation' },
    scores: models.map((model, m) => attention(model, labels, 1 + m, random)),
  };
}

function exampleImage(models: readonly string[], random: Random): BagView {
  const places = Array.from({ length: 240 }, () => [Math.round(random() * 500), Math.round(random() * 500)] as const);
  const labels = places.map(([x, y]) => (x + y < 420 ? 1 : random() < 0.1 ? null : 0));
  return {
    bag: 'simulated/image-12',
    label: 'tumour',
    fold: 2,
    coords: places.flat(),
    instanceLabels: labels,
    instanceClasses: { positive: 'epithelial nucleus', negative: 'other nucleus' },
    scores: models.map((model, m) => attention(model, labels, 1 + m, random)),
  };
}

function exampleRanking(models: readonly string[], random: Random): BagView {
  const labels = Array.from({ length: 500 }, (_, i) => (i < 14 ? 1 : 0));
  return {
    bag: 'simulated/bag-0317',
    label: 'tumour',
    fold: 3,
    instanceLabels: labels,
    instanceClasses: { positive: 'tumour', negative: 'normal' },
    scores: models.map((model, m) => attention(model, labels, 1.2 + m, random)),
  };
}

function unlabelled(models: readonly string[], random: Random): BagView {
  const labels = Array.from({ length: 37 }, () => 0);
  return {
    bag: 'simulated/bag-0008',
    label: 'normal',
    fold: 4,
    scores: models.map((model) => ({
      ...attention(model, labels, 0, random),
      instanceAuc: { value: null, reason: 'no instance labels' },
    })),
  };
}

function attention(
  model: string,
  labels: readonly (number | null)[],
  strength: number,
  random: Random,
): InstanceScores {
  const logits = labels.map((label) => (label ?? 0) * strength + normal(random));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  const known = labels.flatMap((label, i) => (label === null ? [] : [i]));
  return {
    model,
    name: 'attention',
    description: 'Softmax attention of the pooling over the instances of the bag; sums to 1.',
    className: 'any class (attention is class-agnostic)',
    values: logits.map((logit) => Math.exp(logit) / sum),
    instanceAuc: tryMetric(() =>
      rocAuc(
        known.map((i) => labels[i] as number),
        known.map((i) => logits[i] as number),
      ),
    ),
    predicted: { label: 'tumour', probability: 0.62 + 0.3 * random() },
  };
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
