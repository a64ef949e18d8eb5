import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { HeatSlide, Normalisation } from '@mhim/figures/heat-view';
import { decodeRgb, readOutlines, slideSize, slideTiles, writeSlideTiles } from '@mhim/figures/heatmap';
import { MhimError, useBackend } from '@mhim/tensor';
import { countProgress } from '@mhim/training';
import { checkFileName } from '../commands/predict.js';
import { className } from '../report/fold-curves.js';
import { slidesOf } from '../slides/built-in-slides.js';
import type { EncoderFlags, PatchFlags } from '../slides/pipeline-options.js';
import { checkClass } from './explain-slide.js';
import { encodersOf, identityOf, requireSameEncoder } from './feature-recipe.js';
import { HeatFolder } from './heat-folder.js';
import { makeFeatures } from './make-features.js';
import { modelsFor, openModelSets, type FoldSelection, type ModelSet } from './model-sets.js';
import { placesOf, type PlacesOptions } from './patch-places.js';
import { SlideBags, type SlideBag } from './slide-bags.js';
import {
  checkSlideFile,
  isPicture,
  openSlideFile,
  slideId,
  PICTURE_EXTENSIONS,
  type OpenSlideImage,
} from './slide-file.js';
import { writeModelFiles } from './write-slide.js';

export interface HeatmapOptions extends PlacesOptions, EncoderFlags, Omit<PatchFlags, 'patchSize'> {
  run: string[];
  out?: string;
  /** Bags with coordinates; default the run's own data. */
  features?: string;
  fold: FoldSelection;
  protocol?: 'paper' | 'honest';
  baseline?: boolean;
  class: number;
  classNames?: string[];
  /** GeoJSON or ASAP file, or a folder of one a slide. */
  annotations?: string;
  normalise: Normalisation;
  top: number;
  maxSize: number;
  tiles?: boolean;
  /** Of features that are made here: side of their patches at `--magnification`. */
  tileSize?: number;
}

export interface HeatmapOutcome {
  out: string;
  slides: number;
  done: number;
  failures: MhimError[];
}

/** Heatmaps of slides, one after the other; one that cannot be read does not cost the others. */
export async function writeHeatmaps(
  slides: readonly string[],
  options: HeatmapOptions,
  signal?: AbortSignal,
): Promise<HeatmapOutcome> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const named = await Promise.all(slides.map((slide) => slidesOf(slide, log)));
  const files = named.flatMap(slideFiles);
  requireDifferentNames(files);
  const [run] = options.run as [string];
  const out = options.out ?? join(run, 'heatmaps');
  const folder = HeatFolder.open(out, `Heatmaps: ${options.run.map((path) => basename(resolve(path))).join(', ')}`);
  requireFeaturesOfTheRun(options);
  const bags = await SlideBags.open(run, options.features);
  try {
    await useBackend();
    const sets = await openModelSets({ runs: options.run, protocol: options.protocol, baseline: options.baseline });
    try {
      checkChoices(sets, options);
      const failures = new Map<string, MhimError>();
      const attempt = async (file: string, work: () => Promise<void> | void) => {
        try {
          await work();
        } catch (error) {
          if (!isOfSlide(error)) throw error;
          failures.set(file, error);
        }
      };
      for (const file of files) await attempt(file, () => checkSlideFile(file));
      const without = files.filter((file) => !failures.has(file) && !bags.has(slideId(file)));
      const flags = { ...options, patchSize: options.tileSize };
      const made = await makeFeatures(without, { ...options, runs: options.run, sets, out, flags, log, signal });
      if (made.source) await bags.add(made.source);
      for (const [file, failure] of made.failures) failures.set(file, failure);
      for (const [i, file] of files.entries()) {
        signal?.throwIfAborted();
        if (failures.has(file)) continue;
        const title = `${i + 1}/${files.length} ${slideId(file)}`;
        await attempt(file, () => writeSlide({ file, folder, bags, sets, options, signal, title }));
      }
      return { out, slides: files.length, done: files.length - failures.size, failures: [...failures.values()] };
    } finally {
      for (const { models } of sets) for (const { model } of models) model.dispose();
    }
  } finally {
    await bags.close();
  }
}

function requireFeaturesOfTheRun({ features, run }: HeatmapOptions): void {
  const identity = identityOf(features);
  if (identity !== undefined) requireSameEncoder('--features', identity, encodersOf(run));
}

/** What no slide could make good, before features are made for it. */
function checkChoices(sets: readonly ModelSet[], { fold: selection, class: index }: HeatmapOptions): void {
  for (const set of sets) {
    const { models } = modelsFor(set, [], selection);
    for (const { model } of models) checkClass(index, model.config);
  }
}

interface SlideWork {
  file: string;
  folder: HeatFolder;
  bags: SlideBags;
  sets: readonly ModelSet[];
  options: HeatmapOptions;
  title: string;
  signal?: AbortSignal;
}

async function writeSlide({ file, folder, bags, sets, options, title, signal }: SlideWork): Promise<void> {
  const id = slideId(file);
  checkFileName(id, file);
  const known = await bags.find(id);
  if (!known) throw withoutBag(id, file, bags);
  const bag = await known.read();
  const image = await openSlideFile(file);
  try {
    const patchSize = options.patchSize ?? known.patchSize;
    const places = placesOf(bag, slideSize(image), { patchSize, coordsAt: options.coordsAt });
    const entry = slideEntry(file, image, known, options);
    folder.begin();
    if (!folder.hasTiles(entry, file)) {
      const progress = countProgress(`${title}: tiles`);
      try {
        await writeSlideTiles(image, join(folder.path, entry.folder), {
          tileSize: entry.tiles.tileSize,
          maxSize: options.maxSize,
          onProgress: progress.update,
          signal,
        });
      } finally {
        progress.stop();
      }
    }
    const thumbnail = await decodeRgb(join(folder.path, entry.folder, 'thumbnail.jpg'));
    for (const set of sets) {
      const { models, detail } = modelsFor(set, [id, known.info.caseId], options.fold);
      const classes = models[0]?.model.config.classes ?? 2;
      const model = await writeModelFiles(
        { image, thumbnail, entry, bag, places, root: folder.path },
        {
          ...{ model: { id: set.id, name: set.name, detail }, models },
          classNames: options.classNames ?? Array.from({ length: classes }, (_, c) => className(c, classes)),
          classIndex: options.class,
          normalise: options.normalise,
          top: options.top,
          layerTiles: options.tiles ?? false,
          stageFolder: models.length === 1 ? set.folders.get(models[0]?.fold ?? -1) : undefined,
          signal,
        },
      );
      folder.put({ ...entry, models: [model] });
      process.stderr.write(`${title}: ${set.name}, ${detail}\n`);
    }
  } finally {
    await image.close();
  }
}

function withoutBag(id: string, file: string, bags: SlideBags): MhimError {
  const names = `Bags are called ${bags.examples()}; the slide’s file needs the bag’s name`;
  const hint = isPicture(file)
    ? `${names}. Features are made of whole-slide files only`
    : `${names}. To make features of it here, name the encoder of the run’s features: --encoder, --weights, --tile-size`;
  return new MhimError(`there is no bag "${id}" among the features.`, { code: 'data', path: file, hint: `${hint}.` });
}

function slideEntry(
  file: string,
  image: OpenSlideImage,
  { info: { id, label }, classes }: SlideBag,
  { annotations, classNames, maxSize }: HeatmapOptions,
): HeatSlide {
  return {
    id,
    folder: `slides/${id}`,
    ...slideSize(image),
    micronsPerPixel: image.mpp?.[0],
    label: label === undefined ? undefined : (classNames?.[label] ?? className(label, classes)),
    tiles: slideTiles(image, { maxSize }),
    outlines: outlinesOf(annotations, id, file),
    models: [],
  };
}

function outlinesOf(path: string | undefined, id: string, slide: string): HeatSlide['outlines'] {
  if (path === undefined) return undefined;
  if (!existsSync(path)) {
    throw new MhimError('there are no such annotations.', { code: 'config', path, hint: 'Check --annotations.' });
  }
  const names = statSync(path).isDirectory() ? [`${id}.geojson`, `${id}.xml`].map((name) => join(path, name)) : [path];
  const file = names.find((name) => existsSync(name));
  // Slides without tumour have no annotations.
  if (file === undefined) return undefined;
  if (statSync(file).size > 2 ** 28) {
    throw new MhimError('is too large for outlines.', { code: 'data', path: file, hint: `Leave ${slide} out.` });
  }
  return readOutlines(readFileSync(file, 'utf8'), file);
}

/** A file, or all slides of a folder. */
function slideFiles(path: string): string[] {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => PICTURE_EXTENSIONS.some((end) => name.toLowerCase().endsWith(end)));
  if (names.length > 0)
    return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).map((name) => join(path, name));
  throw new MhimError('holds no slide.', {
    code: 'data',
    path,
    hint: `Expected files ending in ${PICTURE_EXTENSIONS.join(', ')}.`,
  });
}

/** A slide is known by its name: two of one would overwrite each other's files. */
function requireDifferentNames(files: readonly string[]): void {
  const byName = new Map<string, string>();
  for (const file of files) {
    const other = byName.get(slideId(file));
    byName.set(slideId(file), file);
    if (other === undefined || resolve(other) === resolve(file)) continue;
    throw new MhimError(`and ${other} have the same name, and would have the same heatmap.`, {
      code: 'config',
      path: file,
      hint: 'Leave one out.',
    });
  }
}

/** Whether an error is about one slide; `figures` has errors of its own class with the same codes. */
function isOfSlide(error: unknown): error is MhimError {
  const code = (error as { code?: unknown }).code;
  return ['data', 'file-format', 'file-missing', 'unsafe-file', 'dependency', 'shape'].includes(String(code));
}
