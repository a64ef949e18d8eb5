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
  command: string;
  models: Readonly<Record<string, ModelTimes>>;
}

/** The step times that estimates are made of. */
export const stepTimes: StepTimes = {
  machine: 'AMD EPYC, 2 cores, TensorFlow on CPU (shared with other work while it was measured)',
  measured: '2026-11-25',
  command: 'npm run bench -- --instances 1000,10000 --repeats 5',
  models: {
    'ab-mil': {
      train: [
        [1000, 30.1],
        [10000, 176.2],
      ],
      infer: [
        [1000, 10.6],
        [10000, 68.8],
      ],
      parameters: 591619,
    },
    'mhim-v2:ab-mil': {
      train: [
        [1000, 61.8],
        [10000, 298.9],
      ],
      infer: [
        [1000, 15.5],
        [10000, 165.5],
      ],
      parameters: 1641602,
    },
  },
};
