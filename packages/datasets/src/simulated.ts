import { createHash } from 'node:crypto';
import { MhimError } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import type { BagSource } from './bag-source.js';
import { layOut, PATCH_KINDS, TISSUE_TYPES, type SlideLayout } from './simulated-layout.js';
import { Draws, fillNoise, normalAt, smoothField, subkey } from './simulated-noise.js';

export interface SimulatedSlidesOptions {
  slides: number;
  seed: number;
  /** Patches a slide, [least, most] or one number; small slides are more frequent. Default [500, 20000]. */
  instances?: number | readonly [number, number];
  /** Width of the features. Default 1024. */
  width?: number;
  /**
   * 0 (easy) … 1 (hard): how far tumour lies from benign patches (6 → 4 standard deviations), how much of a positive slide it
   * covers (10–30 % → 1–5 %), how many of its patches are hard (20 % → 50 %), how many benign ones mimic it (0 → 3 %).
   * Default medium, 0.5. AB-MIL after 20 epochs on 80 to 100 slides: AUC about 0.99, 0.85 and 0.6.
   */
  difficulty?: 'easy' | 'medium' | 'hard' | number;
  /** Share of positive slides. Default 0.5. */
  positiveRate?: number;
  /** Share of a positive slide that is tumour, [least, most]; default by difficulty. */
  tumourShare?: readonly [number, number];
  /** Hospitals, each with its own stain. Default 4. */
  centres?: number;
  /** Strength of the stain's effect on the features, 0 = none. Default 1. */
  stain?: number;
  /** Mean share of blurred and pen-marked patches. Default 0.03. */
  artefacts?: number;
  /** Slides of one patient; they share label and centre. Default 1. */
  slidesPerCase?: number;
  /** Side of a patch at the finest level, in pixels. Default 512. */
  patchSize?: number;
}

export interface SimulatedSlides extends BagSource {
  /** Where the patches of a slide lie and what they show, without making features. */
  layout(index: number): SlideLayout;
  /** The hospital of a slide. */
  centre(index: number): number;
}

/**
 * Slides that are made up, for demonstrations, tests and scale: features, coordinates and instance labels (1 = tumour).
 * A slide is made when it is read, the same in any order and on any machine (integer noise and + − × ÷ √ only), so a thousand large ones need no room.
 *
 * Features are a random linear image of a latent space of {@link LATENT} dimensions with unit variance, plus white noise:
 * tissue types and smooth spatial trends move the latent mean, tumours move it along one of three directions, centres scale and shift the features.
 * @throws MhimError `config` for an option that cannot be
 */
export function simulatedSlides(options: SimulatedSlidesOptions): SimulatedSlides {
  return new Simulation(resolve(options));
}

/** Dimensions of the latent space. */
const LATENT = 12;
const TUMOUR_VARIANTS = 3;
const WHITE_NOISE = 0.5;
/** Streams of the noise. */
const STREAM = { loadings: 1, types: 2, directions: 3, stains: 4, slides: 5, order: 6 } as const;

type Config = Required<Omit<SimulatedSlidesOptions, 'instances' | 'difficulty'>> & {
  instances: readonly [number, number];
  difficulty: number;
};

class Simulation implements SimulatedSlides {
  readonly classes = 2;
  readonly simulated = true;
  readonly name: string;
  readonly width: number;
  readonly bags: readonly BagInfo[];
  private readonly key: number;
  /** [LATENT, width] */
  private readonly loadings: Float32Array[];
  /** [TISSUE_TYPES, LATENT] */
  private readonly typeMeans: number[][];
  /** [TUMOUR_VARIANTS, LATENT], unit vectors. */
  private readonly directions: number[][];

  constructor(private readonly config: Config) {
    this.width = config.width;
    this.key = subkey(config.seed, 0);
    this.name = `simulated-${config.slides}`;
    const stream = (label: number) => subkey(this.key, label);
    this.loadings = Array.from({ length: LATENT }, (_, l) => {
      const row = new Float32Array(config.width);
      fillNoise(row, stream(STREAM.loadings), l * config.width, 1 / Math.sqrt(LATENT));
      return row;
    });
    this.typeMeans = latentRows(stream(STREAM.types), TISSUE_TYPES).map((row) => row.map((value) => 1.5 * value));
    this.directions = latentRows(stream(STREAM.directions), TUMOUR_VARIANTS).map(unit);
    this.bags = this.plan();
  }

  layout(index: number): SlideLayout {
    const { label, instances } = this.info(index);
    const { difficulty, tumourShare, artefacts, patchSize } = this.config;
    return layOut(subkey(this.slideKey(index), 1), {
      instances: instances as number,
      positive: label === 1,
      tumourShare,
      hardShare: between(difficulty, 0.2, 0.4, 0.5),
      mimicShare: between(difficulty, 0, 0.01, 0.03),
      artefactShare: artefacts,
      patchSize,
    });
  }

  centre(index: number): number {
    const { slidesPerCase, centres } = this.config;
    return new Draws(subkey(subkey(this.key, STREAM.stains), Math.floor(index / slidesPerCase))).integer(
      0,
      centres - 1,
    );
  }

  async read(index: number): Promise<Bag> {
    const { id, label } = this.info(index);
    const layout = this.layout(index);
    const instances = layout.kinds.length;
    const features = new Float32Array(instances * this.width);
    const latents = this.latents(index, layout);
    const [scale, shift] = this.stainOf(index);
    const noise = subkey(this.slideKey(index), 3);
    for (let i = 0; i < instances; i++) {
      const row = features.subarray(i * this.width, (i + 1) * this.width);
      fillNoise(
        row,
        noise,
        i * this.width,
        PATCH_KINDS[layout.kinds[i] as number] === 'blurred' ? 0.3 * WHITE_NOISE : WHITE_NOISE,
      );
      addLatents(row, latents.subarray(i * LATENT, (i + 1) * LATENT), this.loadings);
      for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) * (scale[j] as number) + (shift[j] as number);
    }
    const instanceLabels = Int32Array.from(layout.kinds, (kind) =>
      Number((PATCH_KINDS[kind] as string).endsWith('tumour')),
    );
    return { id, label, instances, width: this.width, features, coords: layout.coords, instanceLabels };
  }

  async fingerprint(): Promise<string> {
    return createHash('sha256')
      .update(`simulated slides, version 1: ${JSON.stringify(this.config)}`)
      .digest('hex');
  }

  async close(): Promise<void> {}

  private plan(): BagInfo[] {
    const { slides, slidesPerCase, positiveRate, instances } = this.config;
    const cases = Math.ceil(slides / slidesPerCase);
    const positives = Math.round(cases * positiveRate);
    const draws = new Draws(subkey(this.key, STREAM.order));
    const labels = Array.from({ length: cases }, (_, i) => Number(i < positives));
    for (let i = cases - 1; i > 0; i--) {
      const j = draws.integer(0, i);
      [labels[i], labels[j]] = [labels[j] as number, labels[i] as number];
    }
    const [least, most] = instances;
    return Array.from({ length: slides }, (_, i) => {
      const of = Math.floor(i / slidesPerCase);
      const u = new Draws(this.slideKey(i)).uniform();
      return {
        id: `simulated_${String(i).padStart(4, '0')}`,
        caseId: `patient_${String(of).padStart(4, '0')}`,
        label: labels[of] as number,
        instances: least + Math.floor((most - least + 1) * u * u),
      };
    });
  }

  private info(index: number): BagInfo {
    const info = this.bags[index];
    if (info) return info;
    throw new MhimError(`there is no slide ${index}, there are ${this.bags.length}.`, {
      code: 'data',
      path: this.name,
    });
  }

  private slideKey(index: number): number {
    return subkey(subkey(this.key, STREAM.slides), index);
  }

  /** [n, LATENT]: what each patch shows. */
  private latents(index: number, { kinds, tissue, places }: SlideLayout): Float64Array {
    const key = subkey(this.slideKey(index), 2);
    const draws = new Draws(key);
    const trends = Array.from({ length: 3 }, () => smoothField(draws, 5));
    const variant = this.directions[draws.integer(0, TUMOUR_VARIANTS - 1)] as number[];
    const lookalike = unit(variant.map((value, l) => value + (this.typeMeans[0]?.[l] as number)));
    const pen = unit(latentRows(subkey(key, 1), 1)[0] as number[]);
    const distance = between(this.config.difficulty, 6, 4.75, 4);
    const latents = new Float64Array(kinds.length * LATENT);
    for (let i = 0; i < kinds.length; i++) {
      const kind = PATCH_KINDS[kinds[i] as number];
      const mean = this.typeMeans[tissue[i] as number] as number[];
      const strength =
        kind === 'easy tumour' ? distance : kind === 'hard tumour' || kind === 'mimic' ? distance / 2 : 0;
      for (let l = 0; l < LATENT; l++) {
        const trend = trends[l]?.(places[2 * i] as number, places[2 * i + 1] as number) ?? 0;
        const tumour = strength * ((kind === 'mimic' ? lookalike : variant)[l] as number);
        const marks = kind === 'pen mark' ? 10 * (pen[l] as number) : 0;
        const value = (mean[l] as number) + trend + normalAt(key, i * LATENT + l) + tumour + marks;
        latents[i * LATENT + l] = kind === 'blurred' ? 0.3 * value : value;
      }
    }
    return latents;
  }

  /** Scale and shift of every feature: the centre's, with a little of the slide's own. */
  private stainOf(index: number): [Float32Array, Float32Array] {
    const { width, stain } = this.config;
    const centre = subkey(subkey(this.key, STREAM.stains + 100), this.centre(index));
    const own = subkey(this.slideKey(index), 4);
    const mixed = (label: number, middle: number, strength: number) =>
      Float32Array.from({ length: width }, (_, j) => {
        const effect = normalAt(subkey(centre, label), j) + 0.3 * normalAt(subkey(own, label), j);
        return middle + strength * stain * effect;
      });
    return [mixed(0, 1, 0.05), mixed(1, 0, 0.3)];
  }
}

/** row += Σ_l latents[l] · loadings[l], four at a time. */
function addLatents(row: Float32Array, latents: Float64Array, loadings: readonly Float32Array[]): void {
  for (let l = 0; l < LATENT; l += 4) {
    const [a, b, c, d] = latents.subarray(l, l + 4) as unknown as [number, number, number, number];
    const [A, B, C, D] = loadings.slice(l, l + 4) as [Float32Array, Float32Array, Float32Array, Float32Array];
    for (let j = 0; j < row.length; j++) {
      const sum = a * (A[j] as number) + b * (B[j] as number) + c * (C[j] as number) + d * (D[j] as number);
      row[j] = (row[j] as number) + sum;
    }
  }
}

function latentRows(key: number, rows: number): number[][] {
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: LATENT }, (_, l) => normalAt(key, r * LATENT + l)),
  );
}

function unit(vector: readonly number[]): number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / length);
}

function between(difficulty: number, easy: number, medium: number, hard: number): number {
  return difficulty < 0.5 ? easy + 2 * difficulty * (medium - easy) : medium + (2 * difficulty - 1) * (hard - medium);
}

function resolve(options: SimulatedSlidesOptions): Config {
  const { instances = [500, 20_000], difficulty = 'medium', ...others } = options;
  const level = typeof difficulty === 'number' ? difficulty : { easy: 0, medium: 0.5, hard: 1 }[difficulty];
  const config: Config = {
    width: 1024,
    positiveRate: 0.5,
    tumourShare: [between(level, 0.1, 0.02, 0.01), between(level, 0.3, 0.1, 0.05)],
    centres: 4,
    stain: 1,
    artefacts: 0.03,
    slidesPerCase: 1,
    patchSize: 512,
    ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
    slides: options.slides,
    seed: options.seed,
    instances: typeof instances === 'number' ? [instances, instances] : instances,
    difficulty: level,
  };
  const whole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  const share = (value: number) => value >= 0 && value <= 1;
  const range = ([least, most]: readonly [number, number], valid: (value: number) => boolean) =>
    valid(least) && valid(most) && least <= most;
  const checks: [keyof Config, boolean, string][] = [
    ['slides', whole(config.slides, 1), 'an integer of 1 or more'],
    ['seed', whole(config.seed, 0) && config.seed < 2 ** 32, 'an integer in [0, 2^32)'],
    ['instances', range(config.instances, (value) => whole(value, 1)), 'one number of 1 or more, or [least, most]'],
    ['width', whole(config.width, 1), 'an integer of 1 or more'],
    ['difficulty', share(config.difficulty), 'easy, medium, hard or a number in [0, 1]'],
    ['positiveRate', share(config.positiveRate), 'a share in [0, 1]'],
    ['tumourShare', range(config.tumourShare, share), '[least, most] in [0, 1]'],
    ['centres', whole(config.centres, 1), 'an integer of 1 or more'],
    ['stain', config.stain >= 0 && config.stain <= 10, 'a number in [0, 10]'],
    ['artefacts', config.artefacts >= 0 && config.artefacts <= 0.5, 'a share in [0, 0.5]'],
    ['slidesPerCase', whole(config.slidesPerCase, 1), 'an integer of 1 or more'],
    ['patchSize', whole(config.patchSize, 1), 'an integer of 1 or more'],
  ];
  for (const [path, valid, expected] of checks) {
    if (!valid) {
      const got = JSON.stringify(options[path as keyof SimulatedSlidesOptions]);
      throw new MhimError(`expected ${expected}, got ${got}.`, { code: 'config', path: `simulatedSlides ${path}` });
    }
  }
  return config;
}
