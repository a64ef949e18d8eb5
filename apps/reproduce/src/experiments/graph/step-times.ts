/** Milliseconds of a step at two bag sizes: [instances, milliseconds]. */
export interface ModelTimes {
  train: readonly [readonly [number, number], readonly [number, number]];
  infer: readonly [readonly [number, number], readonly [number, number]];
  /** Trainable scalars at 1024 features and two classes. */
  parameters: number;
}

export interface StepTimes {
  machine: string;
  measured: string;
  /** How they were measured, and what to bear in mind. */
  note: string;
  models: Readonly<Record<string, ModelTimes>>;
}

/** The step times that estimates are made of: the shortest of a few steps, as `tools/bench` times them (`min_ms`). */
export const stepTimes: StepTimes = {
  machine: 'AMD EPYC, 2 cores, TensorFlow on CPU',
  measured: '2026-11-25',
  note: 'measured at a load of 15 to 23 on the 2 cores, so several times what an idle machine takes (AB-MIL, 10,000 instances: 176 ms idle)',
  models: {
    'ab-mil': {
      train: [
        [1000, 72.1],
        [10000, 2126.3],
      ],
      infer: [
        [1000, 28.2],
        [10000, 1113.5],
      ],
      parameters: 591619,
    },
    'ds-mil': {
      train: [
        [1000, 88.5],
        [10000, 3007.6],
      ],
      infer: [
        [1000, 21.6],
        [10000, 1030.6],
      ],
      parameters: 872708,
    },
    'clam-sb': {
      train: [
        [1000, 172.6],
        [10000, 1856.6],
      ],
      infer: [
        [1000, 18.2],
        [10000, 673.5],
      ],
      parameters: 790791,
    },
    'dtfd-mil': {
      train: [
        [1000, 48.2],
        [10000, 815.9],
      ],
      infer: [
        [1000, 21.1],
        [10000, 352.9],
      ],
      parameters: 789254,
    },
    'ib-mil': {
      train: [
        [1000, 46.3],
        [10000, 1371.3],
      ],
      infer: [
        [1000, 21.3],
        [10000, 441.1],
      ],
      parameters: 723971,
    },
    'trans-mil': {
      train: [
        [1000, 815.1],
        [10000, 7851.7],
      ],
      infer: [
        [1000, 254.9],
        [10000, 2829.4],
      ],
      parameters: 2672146,
    },
    'r2t-mil': {
      train: [
        [1000, 316.5],
        [10000, 2779.7],
      ],
      infer: [
        [1000, 166.0],
        [10000, 1943.7],
      ],
      parameters: 2697474,
    },
    'mamba-2d': {
      train: [
        [1000, 300.3],
        [10000, 5101.6],
      ],
      infer: [
        [1000, 131.7],
        [10000, 1034.1],
      ],
      parameters: 265131,
    },
    'mhim-v2:ab-mil': {
      train: [
        [1000, 94.0],
        [10000, 1641.7],
      ],
      infer: [
        [1000, 20.8],
        [10000, 765.3],
      ],
      parameters: 1641602,
    },
    'mhim-v2:ds-mil': {
      train: [
        [1000, 121.9],
        [10000, 2811.1],
      ],
      infer: [
        [1000, 28.8],
        [10000, 886.5],
      ],
      parameters: 1923846,
    },
    'mhim-v2:trans-mil': {
      train: [
        [1000, 947.2],
        [10000, 8499.2],
      ],
      infer: [
        [1000, 289.1],
        [10000, 4775.2],
      ],
      parameters: 3722258,
    },
  },
};
