import { z } from 'zod';
import type { ABMILConfig } from '@mhim/mil-aggregators';
import type { MHIMv2Config } from '@mhim/hard-mining';

/** The models that can be trained; `mhim-v2` runs over a base. */
export const MODELS = ['ab-mil', 'mhim-v2', 'mean-pooling', 'max-pooling'] as const;
export const BASES = ['ab-mil'] as const;
export type ModelName = (typeof MODELS)[number];

const share = z.number().min(0).max(1);
const activation = z.enum(['relu', 'gelu', 'tanh', 'sigmoid', 'identity']);

/** Options of the aggregator, those of `ABMILConfig` without the sizes that the data decide. */
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
    position: z.enum(['none', 'sin-cos']),
    layout: z.enum(['stand-alone', 'mhim', 'ilse']),
  })
  .partial();
export type AggregatorOptions = z.infer<typeof aggregatorSchema> & Partial<ABMILConfig>;

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
