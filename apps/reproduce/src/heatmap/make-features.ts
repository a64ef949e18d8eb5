import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BagSource } from '@mhim/datasets';
import {
  encoderIdentity,
  knownResult,
  processSlides,
  readSlidesConfig,
  slideName,
  type PatchEncoder,
  type SlidePipelineConfig,
  type SlideResult,
} from '@mhim/slides';
import { MhimError } from '@mhim/tensor';
import { lockRun } from '@mhim/training';
import { openData } from '../data/open-data.js';
import { describeResult } from '../slides/describe-result.js';
import { openEncoder } from '../slides/open-encoder.js';
import { saysPatches, type EncoderFlags, type PatchFlags } from '../slides/pipeline-options.js';
import { slideProgress } from '../slides/slide-progress.js';
import { encodersOf, featureRecipe, pipelineOf, requireSameEncoder, type FeatureRecipe } from './feature-recipe.js';
import type { ModelSet } from './model-sets.js';
import { isPicture } from './slide-file.js';

export interface MakeFeaturesOptions {
  /** Run folders; the first one's features say how these are made. */
  runs: readonly string[];
  features?: string;
  sets: readonly ModelSet[];
  /** Folder of the heatmaps: features go into `features-…` in it. */
  out: string;
  flags: PatchFlags & EncoderFlags;
  log: (line: string) => void;
  signal?: AbortSignal;
}

export interface MadeFeatures {
  /** Absent when no slide has features now. */
  source?: BagSource;
  /** Of slides that have none, by file. */
  failures: Map<string, MhimError>;
}

/**
 * Makes features of slides that have none, as those that a run was trained on were made, or as the command line says. They are
 * kept: the next call takes what is done, and goes on where it was stopped.
 * @throws MhimError `config` for an encoder that is not the run's, or options that cannot be
 */
export async function makeFeatures(files: readonly string[], options: MakeFeaturesOptions): Promise<MadeFeatures> {
  const { runs, features, flags, log } = options;
  const failures = new Map<string, MhimError>();
  const slides = files.filter((file) => existsSync(file) && !isPicture(file));
  if (slides.length === 0) return { failures };
  const recipe = featureRecipe(runs[0] as string, features, flags);
  if (!recipe) return { failures };
  const folder = featureFolder(slides, recipe, options);
  const stored = readSlidesConfig(folder)?.config;
  const wanted = { config: stored ? pipelineOf(stored) : recipe.config, encoder: true };
  const before = slides.map((file) => knownResult(file, folder, wanted));
  const todo = before.filter((result) => result === undefined).length;
  if (todo === 0) log(`${count(slides.length)} without features: those in ${folder} are taken.`);
  const results =
    todo === 0 ? (before as SlideResult[]) : await extract(slides, todo, folder, wanted.config, recipe, options);
  slides.forEach((file, i) => {
    const failure = failureOf(results[i] as SlideResult, file, folder);
    if (failure) failures.set(file, failure);
  });
  if (failures.size === slides.length) return { failures };
  return { failures, source: await openData({ data: join(folder, 'features'), labels: false }) };
}

/**
 * Where features go: a folder for each set of options. Features that were made with options before are taken again when no
 * options are given, so that further models and folds need not repeat them.
 */
function featureFolder(
  slides: readonly string[],
  { config, encoder }: FeatureRecipe,
  options: MakeFeaturesOptions,
): string {
  const { out, flags, runs } = options;
  const { encoder: name, weights, preprocessing, output } = encoder;
  const key = createHash('sha256')
    .update(JSON.stringify([config, name, weights, preprocessing, output]))
    .digest('hex');
  const own = join(out, `features-${key.slice(0, 8)}`);
  if (saysPatches(flags) || flags.encoder !== undefined || !existsSync(out)) return own;
  const trained = encodersOf(runs);
  const earlier = readdirSync(out)
    .filter((entry) => /^features-[0-9a-f]{8}$/.test(entry))
    .map((entry) => join(out, entry))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const suits = (folder: string) => {
    const made = readSlidesConfig(folder)?.config;
    if (!made?.format || trained.some(({ identity }) => identity !== made.encoder)) return false;
    const wanted = { config: { format: made.format }, encoder: true };
    return slides.some((file) => knownResult(file, folder, wanted)?.status === 'done');
  };
  return earlier.find(suits) ?? own;
}

async function extract(
  slides: readonly string[],
  todo: number,
  folder: string,
  config: SlidePipelineConfig,
  recipe: FeatureRecipe,
  { runs, sets, log, signal }: MakeFeaturesOptions,
): Promise<SlideResult[]> {
  const encoder = await openEncoder({ ...recipe.encoder, log });
  const progress = slideProgress();
  let release: (() => void) | undefined;
  try {
    requireSameEncoder('--encoder', encoderIdentity(encoder), encodersOf(runs));
    for (const set of sets) requireWidth(encoder, set);
    log(
      `${count(todo)} without features: made now, ${recipe.like}, with ${encoder.title ?? encoder.name}, into ${folder}`,
    );
    release = lockRun(folder);
    return await processSlides({
      slides,
      out: folder,
      config,
      encoder,
      batchSize: recipe.encoder.batchSize,
      signal,
      onSlide: progress.slide,
      onStage: progress.stage,
      onResult: (result, before) => progress.result(describeResult(result, before), before),
    });
  } finally {
    progress.stop();
    release?.();
    await encoder.dispose?.();
  }
}

/** @throws MhimError `config` naming what the encoder makes and what the models take */
function requireWidth({ name, title = name, width }: PatchEncoder, { name: model, models }: ModelSet): void {
  const other = models.find(({ model: { config } }) => config.inputDim !== width);
  if (!other) return;
  throw new MhimError(
    `${title} makes ${width} features of a patch, but ${model} was trained on ${other.model.config.inputDim}.`,
    { code: 'config', path: '--encoder', hint: 'Name the encoder of the run with --encoder and --weights.' },
  );
}

function failureOf({ status, reason }: SlideResult, file: string, folder: string): MhimError | undefined {
  if (status === 'done') return undefined;
  if (status === 'failed') return new MhimError(reason ?? 'has no features.', { code: 'data' });
  return new MhimError('no tissue was found on it.', {
    code: 'data',
    path: file,
    hint: `Look at ${join(folder, 'masks', `${slideName(file)}.png`)}; --preset bwh-biopsy or --min-tissue 1 keep smaller pieces.`,
  });
}

function count(slides: number): string {
  return slides === 1 ? '1 slide' : `${slides} slides`;
}
