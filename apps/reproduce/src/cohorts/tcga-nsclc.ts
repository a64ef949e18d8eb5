import { numbered, type Cohort } from './cohort.js';

/** Adenocarcinoma or squamous cell carcinoma of the lung (MHIM-v2 §4.1). */
export const tcgaNsclc: Cohort = {
  name: 'tcga-nsclc',
  title: 'TCGA-NSCLC: subtypes of lung cancer',
  task: 'classification',
  classes: {
    names: ['LUAD', 'LUSC'],
    numbers: numbered(
      ['LUAD', 'TCGA-LUAD', 'lung adenocarcinoma'],
      ['LUSC', 'TCGA-LUSC', 'lung squamous cell carcinoma'],
    ),
  },
  unit: 'slide',
  slides: {
    what: 'diagnostic slides of TCGA-LUAD (541) and TCGA-LUSC (512)',
    where: 'https://portal.gdc.cancer.gov, data type Slide Image, strategy Diagnostic Slide',
  },
  labels: {
    what: 'MHIM-MIL’s list of cases (label_tcga_nsclc.csv, no header), a list of slides, or clinical.tsv',
    where: 'https://github.com/DearCaat/MHIM-MIL; clinical.tsv from https://portal.gdc.cancer.gov',
  },
  tables: [['label*nsclc*.csv'], ['tcga_nsclc_cases.csv'], ['tcga_nsclc*.csv'], ['labels.csv'], ['clinical*.tsv']],
  folders: [['nsclc'], ['luad', 'lusc']],
  paper: { cases: 956, slides: 1053, patches: 10302 },
  lists: { cases: 956, slides: 1051, classes: [539, 512] },
  officialRows: 956,
  folds: ['patient', 'official', 'official-as-run', 'v1'],
  patience: 20,
  notes: [
    'The published list has no header, and the official code takes its first patient for one: --fold-scheme official-as-run leaves it out.',
  ],
};
