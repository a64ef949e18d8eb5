import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkBagFormat } from '@mhim/datasets';
import { makeFolder, MhimError, writeFileAtomic } from '@mhim/tensor';
import { findSlides, slideName } from './find-slides.js';
import type { PatchEncoder } from './features/encoder.js';
import {
  featureFile,
  processSlide,
  type ProcessSlideOptions,
  type SlidePipelineConfig,
  type SlideResult,
  type SlideStage,
} from './process-slide.js';
import { slidesTable } from './slides-table.js';
import { checkPatchPlan } from './tiling/patch-plan.js';
import { checkSegmentation } from './tissue/segmentation-config.js';

export interface ProcessSlidesOptions extends Omit<ProcessSlideOptions, 'onStage'> {
  /** Slide, or folder of slides; or several slides, whose names have to differ. */
  slides: string | readonly string[];
  out: string;
  onSlide?: (index: number, total: number, name: string) => void;
  onStage?: (stage: SlideStage, done: number, total: number) => void;
  /** A slide has its result; `before` when it had it already. */
  onResult?: (result: SlideResult, before: boolean) => void;
}

/**
 * Takes a folder of slides to bags. What is done already is left as it is, so the same call goes on after a kill; a slide that
 * fails costs only itself and is tried again next time. `slides.csv` says what became of each.
 * @throws MhimError `config` when the folder holds results of other options, or files of others that would be replaced
 */
export async function processSlides(options: ProcessSlidesOptions): Promise<SlideResult[]> {
  const { out, signal, onSlide, onResult } = options;
  const { segmentation, patches, format, dtype } = options.config;
  checkBagFormat(format, dtype);
  checkSegmentation(segmentation);
  checkPatchPlan(patches);
  checkCoordsFolder(options.config);
  const paths = typeof options.slides === 'string' ? findSlides(options.slides) : options.slides;
  requireOwn(out);
  makeFolder(join(out, 'records'));
  agreeOn(out, options);
  const results: SlideResult[] = [];
  for (const [index, path] of paths.entries()) {
    signal?.throwIfAborted();
    const name = slideName(path);
    onSlide?.(index, paths.length, name);
    const known = knownResult(path, out, options);
    const result = known ?? (await attempt(path, out, options));
    results.push(result);
    if (!known && result.status !== 'failed') remember(path, out, result);
    writeFileAtomic(join(out, 'slides.csv'), slidesTable(results));
    onResult?.(result, known !== undefined);
  }
  return results;
}

function checkCoordsFolder({ coords }: SlidePipelineConfig): void {
  if (coords === undefined || statSync(coords, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new MhimError('there is no such folder of patches.', { code: 'config', path: coords, hint: 'Check the path.' });
}

async function attempt(path: string, out: string, options: ProcessSlidesOptions): Promise<SlideResult> {
  const start = performance.now();
  try {
    return await processSlide(path, out, options);
  } catch (error) {
    // An interrupt ends the folder; anything else this slide only.
    if (options.signal?.aborted) throw error;
    const { code } = error as { code?: unknown };
    if (code === 'dependency' || code === 'config' || code === 'ENOSPC') throw error;
    return {
      slide: slideName(path),
      status: 'failed',
      reason: error instanceof Error ? error.message : String(error),
      regions: 0,
      patches: 0,
      seconds: (performance.now() - start) / 1000,
    };
  }
}

/** A slide's file as it was when its result was made. */
interface SlideRecord {
  bytes: number;
  result: SlideResult;
}

function recordPath(out: string, path: string): string {
  return join(out, 'records', `${slideName(path)}.json`);
}

function remember(path: string, out: string, result: SlideResult): void {
  const record: SlideRecord = { bytes: statSync(path).size, result };
  writeFileAtomic(recordPath(out, path), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * What `processSlides` made of a slide before: nothing when the slide's file has changed since, or its features are wanted and
 * not there.
 */
export function knownResult(
  path: string,
  out: string,
  { config, encoder }: { config: Pick<SlidePipelineConfig, 'format'>; encoder?: unknown },
): SlideResult | undefined {
  const record = readJson<SlideRecord>(recordPath(out, path));
  if (!record || record.bytes !== statSync(path, { throwIfNoEntry: false })?.size) return undefined;
  const { result } = record;
  const complete = !encoder || result.status === 'no tissue' || existsSync(featureFile(out, result.slide, config));
  return complete ? result : undefined;
}

/** @throws MhimError `config` naming what would be replaced in a folder that this did not make */
function requireOwn(out: string): void {
  const config = readJson<unknown>(join(out, 'config.json'));
  if (isSlidesConfig(config)) return;
  const names = config === undefined ? ['slides.csv', 'masks', 'patches', 'features'] : ['config.json'];
  const taken = names.map((name) => join(out, name)).find((path) => existsSync(path));
  if (taken === undefined) return;
  throw new MhimError('is not from here: this folder holds something else.', {
    code: 'config',
    path: taken,
    hint: 'Choose another --out.',
  });
}

/** Results of other options do not belong into one folder; an encoder may be added to patches that are there. */
function agreeOn(out: string, { config, encoder }: ProcessSlidesOptions): void {
  const path = join(out, 'config.json');
  const before = readJson<StoredConfig>(path);
  const named = encoder && encoderIdentity(encoder);
  const now: StoredConfig = {
    ...config,
    encoder: named ?? before?.encoder ?? null,
    encoderOptions: encoder?.options ?? before?.encoderOptions,
  };
  // Format and encoder are open until there are features.
  const open =
    before?.encoder === null ? ['encoder', 'format', 'dtype'] : named === undefined ? ['format', 'dtype'] : [];
  const [old, asked] = [flat(before ?? {}), flat(now)];
  for (const key of before ? new Set([...old.keys(), ...asked.keys()]) : []) {
    // The same encoder may lie elsewhere today; its identity says what it is.
    if (open.includes(key) || key.startsWith('encoderOptions.') || old.get(key) === asked.get(key)) continue;
    throw new MhimError(`was made with ${key} ${old.get(key) ?? 'unset'}, now it is ${asked.get(key) ?? 'unset'}.`, {
      code: 'config',
      path: out,
      hint: 'Choose another folder for --out, or the same options.',
    });
  }
  const kept = named === undefined && before ? { format: before.format, dtype: before.dtype } : {};
  writeFileAtomic(path, `${JSON.stringify({ ...now, ...kept }, null, 2)}\n`);
}

/** `config.json`: how a folder of `processSlides` was made. */
export type StoredConfig = Partial<SlidePipelineConfig> & {
  /** Its identity; null before there are features. */
  encoder: string | null;
  /** How to open it again: {@link PatchEncoder.options}. */
  encoderOptions?: Readonly<Record<string, string>>;
};

/** What tells an encoder's features from those of another. */
export function encoderIdentity({ identity, name }: Pick<PatchEncoder, 'identity' | 'name'>): string {
  return identity ?? name;
}

/**
 * How the features of a folder were made by `processSlides`, whether the folder is its `out` or `features` in it. Undefined for
 * folders that others wrote.
 */
export function readSlidesConfig(folder: string): { path: string; config: StoredConfig } | undefined {
  for (const place of [folder, dirname(resolve(folder))]) {
    if (!existsSync(join(place, 'records'))) continue;
    const config = readJson<unknown>(join(place, 'config.json'));
    if (isSlidesConfig(config)) return { path: place, config };
  }
  return undefined;
}

function isSlidesConfig(value: unknown): value is StoredConfig {
  return typeof value === 'object' && value !== null && 'segmentation' in value && 'encoder' in value;
}

/** `segmentation.otsu` → its value as text. */
function flat(value: object, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(value).flatMap(([key, part]): [string, string][] => {
      if (part === undefined) return [];
      const nested = typeof part === 'object' && part !== null && !Array.isArray(part);
      return nested ? [...flat(part as object, `${prefix}${key}.`)] : [[`${prefix}${key}`, JSON.stringify(part)]];
    }),
  );
}

function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new MhimError('is damaged: no JSON.', { code: 'file-format', path, hint: 'Delete it and try again.', cause });
  }
}
