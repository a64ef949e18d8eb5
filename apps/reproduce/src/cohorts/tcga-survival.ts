import type { Cohort } from './cohort.js';

/** What the survival sets have in common: a case with all its slides is a bag (MHIM-v2 §4.1). */
function survivalOf(
  project: 'luad' | 'lusc' | 'blca',
  own: Pick<Cohort, 'title' | 'folders' | 'paper' | 'lists' | 'notes'>,
): Cohort {
  const upper = `TCGA-${project.toUpperCase()}`;
  return {
    name: `tcga-${project}`,
    task: 'survival',
    unit: 'case',
    slides: {
      what: `diagnostic slides of ${upper}`,
      where: 'https://portal.gdc.cancer.gov, data type Slide Image, strategy Diagnostic Slide',
    },
    labels: {
      what: `MHIM-MIL’s survival list of ${upper} (Study, ID, Event = months, Status), MCAT’s table, clinical.tsv, or data_clinical_patient.txt`,
      where:
        'https://github.com/DearCaat/MHIM-MIL; https://github.com/mahmoodlab/MCAT; https://portal.gdc.cancer.gov; https://www.cbioportal.org',
    },
    tables: [
      [`label*${project}*surv*.csv`],
      [`tcga_${project}_survival_cases.csv`],
      [`tcga_${project}*.csv`],
      ['labels.csv'],
      ['data_clinical_patient.txt'],
      ['clinical*.tsv'],
    ],
    of: [upper],
    officialRows: own.lists?.cases,
    folds: ['patient', 'official', 'rrt-survival'],
    ...own,
  };
}

const lungNote =
  'The paper’s Table 1 repeats the numbers of the subtyping set; its survival list has fewer cases, those with an outcome.';

export const tcgaLuad = survivalOf('luad', {
  title: 'TCGA-LUAD: survival with lung adenocarcinoma',
  folders: [['luad'], ['nsclc']],
  paper: { cases: 478, slides: 541, patches: 10629 },
  lists: { cases: 455, slides: 518, deaths: 159 },
  notes: [lungNote],
});

export const tcgaLusc = survivalOf('lusc', {
  title: 'TCGA-LUSC: survival with squamous cell carcinoma of the lung',
  folders: [['lusc'], ['nsclc']],
  paper: { cases: 478, slides: 512, patches: 10395 },
  lists: { cases: 452, slides: 484, deaths: 190 },
  notes: [lungNote],
});

export const tcgaBlca = survivalOf('blca', {
  title: 'TCGA-BLCA: survival with urothelial carcinoma of the bladder',
  folders: [['blca']],
  paper: { cases: 376, slides: 457, patches: 14364 },
  lists: { cases: 376, slides: 446, deaths: 171 },
});
