import { numbered, type Cohort } from './cohort.js';

const slides = {
  where: 'https://www.cancerimagingarchive.net (CPTAC-LUAD, CPTAC-LSCC); https://pdc.cancer.gov',
};

/** Subtypes of lung cancer from another source: models trained on TCGA-NSCLC are tested on it (MHIM-v2 §4.3.4, Table 5). */
export const cptacNsclc: Cohort = {
  name: 'cptac-nsclc',
  title: 'CPTAC-NSCLC: subtypes of lung cancer, for models trained on TCGA-NSCLC',
  task: 'classification',
  classes: {
    names: ['LUAD', 'LUSC'],
    numbers: numbered(
      ['LUAD', 'CPTAC-LUAD', 'lung adenocarcinoma', 'adenocarcinoma, nos'],
      ['LUSC', 'LSCC', 'CPTAC-LSCC', 'lung squamous cell carcinoma', 'squamous cell carcinoma, nos'],
    ),
  },
  unit: 'slide',
  slides: { what: 'slides of CPTAC-LUAD and CPTAC-LSCC', ...slides },
  labels: {
    what: 'a list of cases or slides with LUAD and LUSC (or LSCC), or clinical.tsv with the primary diagnosis',
    where: 'https://pdc.cancer.gov; https://portal.gdc.cancer.gov (project CPTAC-3)',
  },
  tables: [['label*cptac*nsclc*.csv'], ['cptac_nsclc*.csv'], ['labels.csv'], ['clinical*.tsv']],
  folders: [['nsclc'], ['luad', 'lusc', 'lscc'], ['cptac']],
  cptac: true,
  folds: [],
  trainedOn: 'tcga-nsclc',
  notes: ['The paper’s list of slides is not published.'],
};

/** Survival with lung adenocarcinoma from another source: models trained on TCGA-LUAD are tested on it. */
export const cptacLuad: Cohort = {
  name: 'cptac-luad',
  title: 'CPTAC-LUAD: survival with lung adenocarcinoma, for models trained on TCGA-LUAD',
  task: 'survival',
  unit: 'case',
  slides: { what: 'slides of CPTAC-LUAD', ...slides },
  labels: {
    what: 'a list of cases with months and status, or clinical.tsv',
    where: 'https://pdc.cancer.gov; https://portal.gdc.cancer.gov (project CPTAC-3)',
  },
  tables: [['label*cptac*luad*.csv'], ['cptac_luad*.csv'], ['labels.csv'], ['clinical*.tsv']],
  of: [
    'CPTAC-LUAD',
    'adenocarcinoma, nos',
    'acinar cell carcinoma',
    'papillary adenocarcinoma, nos',
    'mucinous adenocarcinoma',
    'solid carcinoma, nos',
  ],
  folders: [['luad'], ['nsclc'], ['cptac']],
  cptac: true,
  folds: [],
  trainedOn: 'tcga-luad',
  notes: ['The paper’s list of cases is not published.'],
};
