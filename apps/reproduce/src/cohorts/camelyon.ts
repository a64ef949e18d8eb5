import { numbered, type Cohort } from './cohort.js';

/** `normal_001` to `normal_160` */
function numberedSlides(start: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${start}${String(i + 1).padStart(3, '0')}`);
}

/** Metastasis or not: CAMELYON16, training and test slides, and the training slides of CAMELYON17 (MHIM-v2 §4.1). */
export const camelyon: Cohort = {
  name: 'camelyon',
  title: 'CAMELYON16 and 17: metastases in lymph nodes',
  task: 'classification',
  classes: {
    names: ['normal', 'tumor'],
    numbers: numbered(['normal', 'negative', 'itc'], ['tumor', 'tumour', 'micro', 'macro', 'metastasis']),
  },
  unit: 'slide',
  slides: {
    what: 'CAMELYON16: 270 training and 129 test slides; CAMELYON17: the 500 training slides of 100 patients',
    where: 'https://camelyon17.grand-challenge.org/Data/ (CC0)',
  },
  labels: {
    what: 'CAMELYON16’s reference.csv of the test slides (the others are called normal_… and tumor_…) and CAMELYON17’s stage_labels.csv, or one list of all',
    where: 'with the slides; lists also in the repositories of IBMIL and RRT-MIL',
  },
  tables: [
    ['label*camelyon.csv'],
    ['label*call.csv'],
    ['camelyon.csv'],
    ['labels.csv'],
    ['stage*.csv', 'reference.csv'],
  ],
  folders: [['camelyon', 'call', 'camelyon16', 'camelyon17', 'c16', 'c17']],
  excluded: { test_049: 'left out by the organisers, it is in no published list' },
  // There is no normal_086: it was taken back as it shows a tumour.
  named: [
    { start: 'normal_', label: 0, slides: numberedSlides('normal_', 160).filter((name) => name !== 'normal_086') },
    { start: 'tumor_', label: 1, slides: numberedSlides('tumor_', 111) },
  ],
  paper: { cases: 370, slides: 899, patches: 8108 },
  lists: { cases: 499, slides: 899, classes: [597, 302] },
  officialRows: 899,
  folds: ['patient', 'official'],
  patience: 30,
  notes: [
    'The paper counts 591 negative and 308 positive slides, the published lists 597 and 302, with isolated tumour cells counted negative.',
    'The paper’s 370 cases leave CAMELYON16’s test slides out.',
    'The official code splits slides, so that the five nodes of a patient of CAMELYON17 straddle its folds; ours keep a patient together.',
  ],
};

/** CAMELYON16 alone, as MHIM’s first version has it. */
export const camelyon16: Cohort = {
  ...camelyon,
  name: 'camelyon16',
  title: 'CAMELYON16: metastases in lymph nodes',
  slides: { what: '270 training and 129 test slides', where: 'https://camelyon16.grand-challenge.org/Data/ (CC0)' },
  labels: {
    what: 'reference.csv of the test slides (the others are called normal_… and tumor_…), or the list of MHIM-MIL',
    where: 'with the slides; https://github.com/DearCaat/MHIM-MIL',
  },
  tables: [['label*camelyon16*.csv'], ['label*c16*.csv'], ['camelyon16*.csv'], ['labels.csv'], ['reference.csv']],
  folders: [['camelyon16', 'c16'], ['camelyon']],
  excluded: { ...camelyon.excluded, test_114: 'left out of MHIM’s list, as in earlier work' },
  paper: undefined,
  lists: { cases: 398, slides: 398, classes: [239, 159] },
  officialRows: 398,
  folds: ['patient', 'official', 'v1'],
  notes: ['MHIM’s first version has three folds: --k 3 --fold-scheme v1.'],
};
