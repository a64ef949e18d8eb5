/** Milliseconds of a step at two bag sizes: [instances, milliseconds]. */
export interface ModelTimes {
  train: readonly [readonly [number, number], readonly [number, number]];
  infer: readonly [readonly [number, number], readonly [number, number]];
  /** Trainable scalars at 1024 features and two classes. */
  parameters: number;
  /** Which of the times were not measured on the quiet machine but scaled, see {@link stepTimes}. */
  scaled?: readonly ('train at 10000' | 'infer')[];
}

export interface StepTimes {
  machine: string;
  measured: string;
  /** How they were measured, and what to bear in mind. */
  note: string;
  models: Readonly<Record<string, ModelTimes>>;
}

/**
 * The step times that estimates are made of: medians on a quiet machine, as `tools/bench` times them (docs/performance.md).
 *
 * Scaled, where a quiet figure is owed: training at 10,000 instances of a method is its aggregator's times the ratio of the two at 1,000, of
 * R2T-MIL and 2DMamba ten times that at 1,000; inference is the share of a training step that it had when both were measured under load.
 */
export const stepTimes: StepTimes = {
  machine: 'AMD EPYC, 2 cores, TensorFlow on CPU',
  measured: '2026-11-25',
  note: 'on a quiet machine; inference of most models and the largest bags of R2T-MIL, 2DMamba, MHIM-v2 over DSMIL and TransMIL are scaled from them',
  models: {
    'ab-mil': {
      train: [
        [1000, 25],
        [10000, 167],
      ],
      infer: [
        [1000, 10.6],
        [10000, 68.8],
      ],
      parameters: 591619,
    },
    'ds-mil': {
      train: [
        [1000, 42],
        [10000, 297],
      ],
      infer: [
        [1000, 10.3],
        [10000, 101.8],
      ],
      parameters: 872708,
      scaled: ['infer'],
    },
    'clam-sb': {
      train: [
        [1000, 38],
        [10000, 285],
      ],
      infer: [
        [1000, 4.0],
        [10000, 103.4],
      ],
      parameters: 790791,
      scaled: ['infer'],
    },
    'dtfd-mil': {
      train: [
        [1000, 34],
        [10000, 178],
      ],
      infer: [
        [1000, 14.9],
        [10000, 77.0],
      ],
      parameters: 789254,
      scaled: ['infer'],
    },
    'ib-mil': {
      train: [
        [1000, 26],
        [10000, 175],
      ],
      infer: [
        [1000, 12.0],
        [10000, 56.3],
      ],
      parameters: 723971,
      scaled: ['infer'],
    },
    'trans-mil': {
      train: [
        [1000, 414],
        [10000, 1381],
      ],
      infer: [
        [1000, 129.5],
        [10000, 497.7],
      ],
      parameters: 2672146,
      scaled: ['infer'],
    },
    'r2t-mil': {
      train: [
        [1000, 107],
        [10000, 1070],
      ],
      infer: [
        [1000, 56.1],
        [10000, 748.2],
      ],
      parameters: 2697474,
      scaled: ['train at 10000', 'infer'],
    },
    'mamba-2d': {
      train: [
        [1000, 212],
        [10000, 2120],
      ],
      infer: [
        [1000, 93.0],
        [10000, 429.7],
      ],
      parameters: 265131,
      scaled: ['train at 10000', 'infer'],
    },
    'mhim-v2:ab-mil': {
      train: [
        [1000, 61],
        [10000, 291],
      ],
      infer: [
        [1000, 15.5],
        [10000, 165.5],
      ],
      parameters: 1641602,
    },
    'mhim-v2:ds-mil': {
      train: [
        [1000, 71],
        [10000, 502],
      ],
      infer: [
        [1000, 16.8],
        [10000, 158.3],
      ],
      parameters: 1923846,
      scaled: ['train at 10000', 'infer'],
    },
    'mhim-v2:trans-mil': {
      train: [
        [1000, 503],
        [10000, 1678],
      ],
      infer: [
        [1000, 153.5],
        [10000, 942.8],
      ],
      parameters: 3722258,
      scaled: ['train at 10000', 'infer'],
    },
  },
};
