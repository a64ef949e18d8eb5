import {
  CONTOUR_CHECKS,
  processSlides,
  SEGMENTATION_PRESETS,
  segmentationConfig,
  slidePipelineDefaults,
  type ContourCheck,
  type SegmentationPreset,
  type SlidePipelineConfig,
  type SlideResult,
} from '@mhim/slides';
import { MhimError, useBackend } from '@mhim/tensor';
import { lockRun } from '@mhim/training';
import { Option, type Command } from 'commander';
import type { Interrupts } from '../interrupt.js';
import { slidesOf } from '../slides/built-in-slides.js';
import { checkFeatures } from '../slides/check-features.js';
import { ENCODERS, openEncoder } from '../slides/open-encoder.js';
import { slideProgress } from '../slides/slide-progress.js';
import { aligned } from '../text-table.js';
import { integer, nameOf, number } from './option-types.js';

interface SlidesFlags {
  out?: string;
  preset: SegmentationPreset;
  segLevel?: number;
  saturation?: number;
  otsu?: boolean;
  minTissue?: number;
  magnification?: number;
  patchSize?: number;
  overlap?: number;
  baseMagnification?: number;
  contourCheck: ContourCheck;
  padding: boolean;
  dropBlank?: boolean;
  encoder?: string;
  weights?: string;
  batchSize?: number;
  format: SlidePipelineConfig['format'];
  float16?: boolean;
}

export function slidesCommand(program: Command, interrupts: Interrupts): void {
  const slides = program
    .command('slides')
    .argument('<slides>', 'folder of slides, one slide, or built-in: cmu-1-small-region')
    .description('from whole-slide images to bags: tissue, patches, features; the same command again goes on')
    // Not a required option of commander's, which would ask for it in `check`, too.
    .option('--out <dir>', 'where masks, patches and features go (required)')
    .option('--preset <name>', `CLAM’s preset: ${presets.join(', ')}`, nameOf(presets), 'default')
    .option('--seg-level <n>', 'level to segment (default: nearest to 64-fold downsampling)', integer)
    .option('--saturation <n>', 'least saturation of tissue, 0 to 255 (default: of the preset)', number)
    .option('--otsu', 'Otsu’s threshold of the saturation instead')
    .option('--min-tissue <n>', 'least area, in patches of 512 pixels at level 0 (default: of the preset)', number)
    .option('--magnification <x>', 'at which patches are seen (default: 20)', number)
    .option('--patch-size <n>', 'side in pixels at that magnification (default: 256)', integer)
    .option('--overlap <n>', 'pixels that neighbours share (default: 0)', integer)
    .option('--base-magnification <x>', 'of level 0, for slides that do not say', number)
    .option(
      '--contour-check <name>',
      `when a patch is tissue: ${CONTOUR_CHECKS.join(', ')}`,
      nameOf(CONTOUR_CHECKS),
      'four_pt',
    )
    .option('--no-padding', 'no patches over the slide’s edges')
    .option('--drop-blank', 'read every patch and drop white and black ones')
    .option('--encoder <name>', `makes the features: ${ENCODERS.join(', ')}; without it no features`, nameOf(ENCODERS))
    .option('--weights <file>', 'of the encoder')
    .option('--batch-size <n>', 'patches encoded together (default: 32)', integer)
    .addOption(
      new Option('--format <format>', 'of the feature files').choices(['h5', 'pt', 'safetensors']).default('h5'),
    )
    .option('--float16', 'halve the feature files (pt and safetensors)')
    .addHelpText('after', HELP)
    .action((path: string, flags: SlidesFlags) => makeBags(path, flags, interrupts));
  slides
    .command('check')
    .argument('<features>', 'folder of feature files, or what `reproduce slides` wrote')
    .description('read every feature file and join them with labels; what is wrong is listed')
    .option('--labels <csv>', 'label table (slide_id,label …)')
    .addHelpText('after', '\nExample:\n  $ reproduce slides check bags/ --labels slides.csv')
    .action(async (features: string, { labels }: { labels?: string }) => {
      const { lines, problems } = await checkFeatures(features, labels, () => interrupts.signal.throwIfAborted());
      process.stdout.write(`${lines.join('\n')}\n`);
      if (problems.length === 0) return void process.stdout.write('No problems.\n');
      throw new MhimError(`${problems.length} problems: ${problems.join(' ')}`, { code: 'data' });
    });
}

const presets = Object.keys(SEGMENTATION_PRESETS) as SegmentationPreset[];

const HELP = `
Files: masks/SLIDE.png to look at; patches/SLIDE.h5 for CLAM and SLIDE_patches.h5 for TRIDENT; features/SLIDE.h5, a bag folder for
reproduce train --data; slides.csv, what became of each slide; config.json. A slide that fails costs only itself; the exit code says so.

Examples:
  $ reproduce slides slides/ --out bags/ --preset tcga --encoder colour
  $ reproduce slides slides/ --out bags/ --preset bwh-biopsy --magnification 10 --encoder colour --format pt --float16
  $ reproduce slides cmu-1-small-region --out demo/ --min-tissue 1
  $ reproduce slides check bags/ --labels slides.csv`;

async function makeBags(path: string, flags: SlidesFlags, interrupts: Interrupts): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const { out } = flags;
  if (out === undefined) {
    throw new MhimError('a folder for the results is needed.', { code: 'config', path: '--out', hint: 'Name one.' });
  }
  const config = configOf(flags);
  const slides = await slidesOf(path, log);
  if (flags.encoder === undefined && flags.weights !== undefined) {
    throw new MhimError('weights need an encoder.', {
      code: 'config',
      path: '--weights',
      hint: 'Name it with --encoder.',
    });
  }
  if (flags.encoder !== undefined) log((await useBackend({ log: () => undefined })).summary);
  const encoder = flags.encoder === undefined ? undefined : await openEncoder(flags.encoder, flags.weights);
  const release = lockRun(out);
  const progress = slideProgress();
  try {
    const results = await processSlides({
      slides,
      out,
      config,
      encoder,
      batchSize: flags.batchSize,
      signal: interrupts.signal,
      onSlide: progress.slide,
      onStage: progress.stage,
      onResult: (result, before) => progress.result(describe(result, before), before),
    });
    process.stdout.write(`${table(results)}\n${out}/slides.csv\n`);
    advise(results, log);
    failIfAny(results);
  } finally {
    progress.stop();
    await encoder?.dispose?.();
    release();
  }
}

function configOf(flags: SlidesFlags): SlidePipelineConfig {
  const { magnification, patchSize, overlap, baseMagnification } = flags;
  const patches = { magnification, patchSize, overlap, baseMagnification };
  return {
    ...slidePipelineDefaults,
    segmentation: segmentationConfig(flags.preset, {
      level: flags.segLevel,
      saturationThreshold: flags.saturation,
      otsu: flags.otsu,
      minTissueArea: flags.minTissue,
    }),
    patches,
    contourCheck: flags.contourCheck,
    padding: flags.padding,
    dropBlank: flags.dropBlank ?? false,
    format: flags.format,
    dtype: flags.float16 ? 'float16' : 'float32',
  };
}

function describe({ status, reason, regions, patches, seconds }: SlideResult, before: boolean): string {
  if (status === 'failed') return `failed: ${reason}`;
  const what = status === 'done' ? `${patches} patches of ${regions} pieces of tissue` : 'no tissue found';
  return `${what}${before ? ', done before' : `, ${seconds.toFixed(1)} s`}`;
}

function table(results: readonly SlideResult[]): string {
  const rows = results.map(({ slide, status, regions, patches, baseMagnification }) => [
    slide,
    status,
    String(regions),
    String(patches),
    baseMagnification === undefined ? '' : String(baseMagnification),
  ]);
  return aligned([['slide', 'status', 'regions', 'patches', 'scanned at ×'], ...rows]);
}

/** CLAM's default limits are made for whole slides; smaller ones have no piece of tissue that large. */
function advise(results: readonly SlideResult[], log: (line: string) => void): void {
  const empty = results.filter(({ status }) => status === 'no tissue');
  if (empty.length === 0) return;
  log(
    `No tissue on ${empty.length} of ${results.length} slides: look at masks/; --preset bwh-biopsy or --min-tissue 1 keep smaller pieces, in another --out.`,
  );
}

/** The error of the slides that failed, after all others are done. */
function failIfAny(results: readonly SlideResult[]): void {
  const failed = results.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  const reasons = failed.slice(0, 5).map(({ reason }) => reason);
  throw new MhimError(
    `${failed.length} of ${results.length} slides failed: ${reasons.join(' ')}${failed.length > 5 ? ' …' : ''}`,
    { code: 'data' },
  );
}
