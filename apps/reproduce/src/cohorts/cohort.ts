import type { DataSetFolders, FoldScheme } from '@mhim/datasets';

/** Where something comes from, for people. */
export interface Origin {
  readonly what: string;
  readonly where: string;
}

/** A data set of the paper: what is expected on disk, what it is labelled by, how it is split. One file of this folder each. */
export interface Cohort {
  readonly name: string;
  readonly title: string;
  readonly task: 'classification' | 'survival';
  /** Names of the classes by number, and the numbers of all names that tables give them, in lower case. */
  readonly classes?: { readonly names: readonly string[]; readonly numbers: Readonly<Record<string, number>> };
  /** What a bag is: a slide, or a case with all its slides (survival). */
  readonly unit: 'slide' | 'case';
  readonly slides: Origin;
  readonly labels: Origin;
  /**
   * Files of the label table by the names that they are published under, `*` for anything; each list is enough, the first that is found
   * counts.
   */
  readonly tables: readonly (readonly string[])[];
  /** Projects and diagnoses of clinical tables that are of the set, where such a table may hold others. */
  readonly of?: readonly string[];
  /** Words of folder names, in order of preference: a set's own folders, then those that it shares with others. */
  readonly folders: readonly (readonly string[])[];
  /** Whether the set is of CPTAC, whose folders would else be taken for TCGA's. */
  readonly cptac?: boolean;
  /** Slides that are left out, with the reason. */
  readonly excluded?: Readonly<Record<string, string>>;
  /** Slides that no table lists, as their names say the class. */
  readonly named?: readonly NamedSlides[];
  /** As the paper's Table 1 counts them; `patches` is the average of a slide. */
  readonly paper?: { readonly cases: number; readonly slides: number; readonly patches: number };
  /** As the published lists count them. */
  readonly lists?: {
    readonly cases: number;
    readonly slides: number;
    /** Slides of each class, or deaths. */
    readonly classes?: readonly number[];
    readonly deaths?: number;
  };
  /** Rows of the list that the official folds are made over. */
  readonly officialRows?: number;
  /** Ways to split it, ours first. None for a set that models trained elsewhere are tested on. */
  readonly folds: readonly FoldScheme[];
  /** Epochs to wait, MHIM-v2 §4.2. */
  readonly patience?: number;
  /** The data set whose models are tested on this one. */
  readonly trainedOn?: string;
  /** What one ought to know. */
  readonly notes?: readonly string[];
}

/** All slides whose names begin alike, which are of one class. */
export interface NamedSlides {
  readonly start: string;
  readonly label: number;
  readonly slides: readonly string[];
}

/** Words in the names of the folders of any data set, so that another set's is not taken. */
const ANY = [
  'camelyon',
  'camelyon16',
  'camelyon17',
  'c16',
  'c17',
  'call',
  'nsclc',
  'luad',
  'lusc',
  'lscc',
  'brca',
  'blca',
  'panda',
];

/** Tells a data set's folders by their paths below the root. */
export function foldersOf({ folders, cptac = false }: Cohort): DataSetFolders {
  const wordsOf = (path: string) => path.toLowerCase().split(/[^a-z0-9]+/);
  const holds = (words: readonly string[], wanted: readonly string[]) => words.some((word) => wanted.includes(word));
  return {
    own: folders.map((wanted) => (path: string) => {
      const words = wordsOf(path);
      return holds(words, wanted) && words.includes('cptac') === cptac;
    }),
    any: (path) => {
      const words = wordsOf(path);
      return holds(words, ANY) || words.includes('cptac');
    },
  };
}

/** A number for each of the names of each class, and for the numbers themselves. */
export function numbered(...classes: readonly (readonly string[])[]): Record<string, number> {
  return Object.fromEntries(
    classes.flatMap((names, label) => [...names, String(label)].map((name) => [name.toLowerCase(), label])),
  );
}

/** Whether a file has a name of {@link Cohort.tables}, upper and lower case alike. */
export function isCalled(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.()[\]+?^$|\\{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(name);
}
