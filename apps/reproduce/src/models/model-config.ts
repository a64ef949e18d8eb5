import { z } from 'zod';
import type { MHIMConfig, MHIMv2Config, MiningConfig } from '@mhim/hard-mining';
import { BASES, MODELS } from './model-names.js';

const share = z.number().min(0).max(1);

/** Options of the aggregator without the sizes that the data decide; the registry knows which there are. */
export const aggregatorSchema = z.record(z.string(), z.unknown());
export type AggregatorSettings = z.infer<typeof aggregatorSchema>;

/** What both versions of MHIM have. */
const mining = {
  maskRatioHigh: share,
  maskRatioHighDecay: z.enum(['cosine', 'none']),
  randomHigh: share,
  score: z.enum(['probability', 'attention']),
  headFusion: z.enum(['vote', 'union', 'max']),
  teacher: z.enum(['momentum', 'student']),
  momentum: share,
  momentumRise: z.enum(['cosine', 'none']),
  teacherDropout: z.boolean(),
  consistencyWeight: z.number().min(0),
  labelWeight: z.number().min(0),
  temperature: z.number().positive(),
  initTeacher: z.boolean(),
  initStudent: z.enum(['none', 'feature', 'all']),
} satisfies Record<keyof MiningConfig, z.ZodType>;

const conference = {
  ...mining,
  maskRatioRandom: share,
  maskRatioLow: share,
} satisfies Record<keyof MHIMConfig, z.ZodType>;

/** Everything the paper's Tables 7–12 vary. */
const version2 = {
  ...mining,
  keepRatio: share,
  split: z.enum(['random', 'low-score', 'none']),
  recycle: z.boolean(),
  queries: z.int().min(1),
  queryMomentum: share,
  recycleDropout: share,
  recycleHeads: z.int().min(1),
  recycleHeadDim: z.int().min(1),
  recycleAtInference: z.boolean(),
  officialGradient: z.boolean(),
  teacherRecycle: z.boolean(),
} satisfies Record<keyof MHIMv2Config, z.ZodType>;

/** The options of each method. */
export const methodSchemas = {
  mhim: z.strictObject(conference).partial(),
  'mhim-v2': z.strictObject(version2).partial(),
} as const;

/** The options of either method: which of them there are is known once the method is. */
export const mhimSchema = z.strictObject({ ...conference, ...version2 }).partial();

/** What a stored model needs to be built again: `config.json` beside its weights. */
export const modelConfigSchema = z.strictObject({
  format: z.literal('mhim-model'),
  version: z.literal(1),
  model: z.enum(MODELS),
  base: z.enum(BASES).optional(),
  inputDim: z.int().min(1),
  /** Outputs: classes, or time bins. */
  classes: z.int().min(2),
  /** What the outputs are; absent for classes. */
  task: z.literal('survival').optional(),
  aggregator: aggregatorSchema,
  mhim: mhimSchema.optional(),
  /** Probability of class 1 at and above which a bag is called positive, as its protocol chose it. */
  threshold: z.number().nullable().optional(),
  /** Why there is no threshold, where two classes have none. */
  thresholdReason: z.string().optional(),
  /** Edges of the time bins, [classes + 1], in the unit of the label table. */
  timeEdges: z.array(z.number()).optional(),
});
export type ModelConfig = z.infer<typeof modelConfigSchema>;
