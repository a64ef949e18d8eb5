import { z } from 'zod';
import type { MHIMv2Config } from '@mhim/hard-mining';

/** The models that can be trained; `mhim-v2` runs over a base. */
export const MODELS = ['ab-mil', 'mhim-v2', 'ds-mil', 'clam-sb', 'clam-mb', 'mean-pooling', 'max-pooling'] as const;
export const BASES = ['ab-mil', 'ds-mil'] as const;
export type ModelName = (typeof MODELS)[number];

const share = z.number().min(0).max(1);
const activation = z.enum(['relu', 'gelu', 'tanh', 'sigmoid', 'identity']);

/** Options of all aggregators, without the sizes that the data decide; which of them one has, the registry knows. */
export const aggregatorSchema = z
  .strictObject({
    embedDim: z.int().min(1),
    activation,
    dropout: share,
    gated: z.boolean(),
    attentionDim: z.int().min(1),
    attentionActivation: activation,
    attentionDropout: share,
    attentionBias: z.boolean(),
    featureBias: z.boolean(),
    classifierBias: z.boolean(),
    norm: z.enum(['none', 'layer', 'batch']),
    normPosition: z.enum(['features', 'instances']),
    layout: z.enum(['stand-alone', 'mhim', 'ilse', 'original']),
    bias: z.boolean(),
    query: z.enum(['nonlinear', 'linear']),
    queryDim: z.int().min(1),
    values: z.enum(['rectified', 'linear', 'instances']),
    prediction: z.enum(['bag', 'mean']),
    sampled: z.int().min(1),
    subtyping: z.boolean(),
    instanceLoss: z.enum(['svm', 'cross-entropy']),
    labelWeight: z.number().min(0),
    instanceWeight: z.number().min(0),
  })
  .partial();
export type AggregatorOptions = z.infer<typeof aggregatorSchema>;

/** Everything the paper's Tables 7–12 vary: `MHIMv2Config`. */
export const mhimSchema = z
  .strictObject({
    maskRatioHigh: share,
    maskRatioHighDecay: z.enum(['cosine', 'none']),
    randomHigh: share,
    keepRatio: share,
    split: z.enum(['random', 'low-score', 'none']),
    recycle: z.boolean(),
    queries: z.int().min(1),
    queryMomentum: share,
    recycleDropout: share,
    recycleHeads: z.int().min(1),
    recycleHeadDim: z.int().min(1),
    recycleAtInference: z.boolean(),
    momentum: share,
    teacherDropout: z.boolean(),
    teacherRecycle: z.boolean(),
    consistencyWeight: z.number().min(0),
    labelWeight: z.number().min(0),
    temperature: z.number().positive(),
    initTeacher: z.boolean(),
    initStudent: z.enum(['none', 'feature', 'all']),
  } satisfies Record<keyof MHIMv2Config, z.ZodType>)
  .partial();

/** What a stored model needs to be built again: `config.json` beside its weights. */
export const modelConfigSchema = z.strictObject({
  format: z.literal('mhim-model'),
  version: z.literal(1),
  model: z.enum(MODELS),
  base: z.enum(BASES).optional(),
  inputDim: z.int().min(1),
  classes: z.int().min(2),
  aggregator: aggregatorSchema,
  mhim: mhimSchema.optional(),
  /** Probability of class 1 at and above which a bag is called positive, as its protocol chose it. */
  threshold: z.number().nullable().optional(),
});
export type ModelConfig = z.infer<typeof modelConfigSchema>;
