import { numbered, type Cohort } from './cohort.js';

/** Invasive ductal or lobular carcinoma of the breast (MHIM-v2 §4.1). */
export const tcgaBrca: Cohort = {
  name: 'tcga-brca',
  title: 'TCGA-BRCA: subtypes of breast cancer',
  task: 'classification',
  classes: {
    names: ['IDC', 'ILC'],
    numbers: numbered(
      ['IDC', 'infiltrating duct carcinoma, nos', 'breast invasive ductal carcinoma'],
      ['ILC', 'lobular carcinoma, nos', 'breast invasive lobular carcinoma'],
    ),
  },
  unit: 'slide',
  slides: {
    what: 'diagnostic slides of TCGA-BRCA (1131 of 1062 cases, of which the list labels 977)',
    where: 'https://portal.gdc.cancer.gov, data type Slide Image, strategy Diagnostic Slide',
  },
  labels: {
    what: 'RRT-MIL’s list of cases, a list of slides (HIPT, PORPOISE), or clinical.tsv with the primary diagnosis',
    where: 'https://github.com/DearCaat/RRT-MIL; clinical.tsv from https://portal.gdc.cancer.gov',
  },
  tables: [['label*brca*.csv'], ['tcga_brca_cases.csv'], ['tcga_brca*.csv'], ['labels.csv'], ['clinical*.tsv']],
  folders: [['brca']],
  paper: { cases: 1062, slides: 1131, patches: 8746 },
  lists: { cases: 977, slides: 1036, classes: [825, 211] },
  officialRows: 977,
  folds: ['patient', 'official', 'v1'],
  patience: 20,
  notes: ['The 779 IDC and 198 ILC of the paper are cases; it calls them slides.'],
};
