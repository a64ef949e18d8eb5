import { encoders } from '@mhim/encoders';
import { findSlides, processSlides, type PatchEncoder, type SlidePipelineConfig, type SlideResult } from '@mhim/slides';
import { makeFolder, MhimError, useBackend } from '@mhim/tensor';
import { lockRun } from '@mhim/training';
import { Option, type Command } from 'commander';
import type { Interrupts } from '../interrupt.js';
import { slidesOf } from '../slides/built-in-slides.js';
import { checkFeatures } from '../slides/check-features.js';
import { describeResult } from '../slides/describe-result.js';
import { DEFAULT_ENCODER, openEncoder } from '../slides/open-encoder.js';
import {
  addEncoderOptions,
  addPatchOptions,
  pipelineConfig,
  type EncoderFlags,
  type PatchFlags,
} from '../slides/pipeline-options.js';
import { slideProgress } from '../slides/slide-progress.js';
import { aligned } from '../text-table.js';

interface SlidesFlags extends PatchFlags, EncoderFlags {
  out?: string;
  features: boolean;
  format?: SlidePipelineConfig['format'];
  float16?: boolean;
}

export function slidesCommand(program: Command, interrupts: Interrupts): void {
  const slides = program
    .command('slides')
    .argument('<slides>', 'folder of slides, one slide, or built-in: cmu-1-small-region')
    .description('from whole-slide images to bags: tissue, patches, features; the same command again goes on')
    // Not a required option of commander's, which would ask for it in `check`, too.
    .option('--out <dir>', 'where masks, patches and features go (required)');
  slides.optionsGroup('Tissue and patches:');
  addPatchOptions(slides, '--patch-size');
  slides.optionsGroup('Features:');
  addEncoderOptions(slides, `${DEFAULT_ENCODER}, fetched once`)
    .addOption(
      new Option('--no-features', 'tissue and patches only').conflicts([
        'encoder',
        'weights',
        'preprocessing',
        'coords',
      ]),
    )
    .addOption(
      new Option('--format <format>', 'of the feature files (default: h5, with --float16 safetensors)').choices([
        'h5',
        'pt',
        'safetensors',
      ]),
    )
    .option('--float16', 'halve the feature files; h5 cannot hold it')
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

const HELP = `
Files: masks/SLIDE.png to look at; patches/SLIDE.h5 for CLAM and SLIDE_patches.h5 for TRIDENT; features/SLIDE.h5, a bag folder for
reproduce train --data; slides.csv, what became of each slide; config.json. A slide that fails costs only itself; the exit code says so.

Encoders: without --encoder, ${encoders[DEFAULT_ENCODER].title}, whose weights are fetched once with pip: good for a first try, and said
so in slides.csv and in the files. Of pathology are plip and uni; resnet50 is what CLAM started with; onnx is any model of yours.
colour needs no weights and is for trials. Of the formats, pt has no coordinates, so there are no heatmaps of it.

Examples:
  $ reproduce slides slides/ --out bags/ --preset tcga
  $ reproduce slides slides/ --out bags/ --preset bwh-biopsy --encoder uni --weights pytorch_model.bin --float16
  $ reproduce slides slides/ --out bags/ --encoder onnx --weights model.onnx --preprocessing trident
  $ reproduce slides slides/ --out bags/ --coords trident/20x_256px_0px_overlap
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
  // What is not there is said before weights are fetched and read.
  findSlides(slides);
  makeFolder(out);
  const encoder = flags.features ? await encoderOf(flags, log) : undefined;
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
      onResult: (result, before) => progress.result(describeResult(result, before), before),
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

async function encoderOf(flags: SlidesFlags, log: (line: string) => void): Promise<PatchEncoder> {
  log((await useBackend({ log: () => undefined })).summary);
  const { encoderOutput: output, ...rest } = flags;
  const encoder = await openEncoder({ ...rest, output, log });
  const why = flags.encoder === undefined ? '; the default, since none is named' : '';
  log(`Encoder: ${encoder.title ?? encoder.name}, ${encoder.width} features${why}.`);
  return encoder;
}

function configOf(flags: SlidesFlags): SlidePipelineConfig {
  return {
    ...pipelineConfig(flags),
    format: flags.format ?? (flags.float16 ? 'safetensors' : 'h5'),
    dtype: flags.float16 ? 'float16' : 'float32',
  };
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
