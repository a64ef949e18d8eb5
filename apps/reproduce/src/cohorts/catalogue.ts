import { camelyon, camelyon16 } from './camelyon.js';
import type { Cohort } from './cohort.js';
import { cptacLuad, cptacNsclc } from './cptac.js';
import { tcgaBrca } from './tcga-brca.js';
import { tcgaNsclc } from './tcga-nsclc.js';
import { tcgaBlca, tcgaLuad, tcgaLusc } from './tcga-survival.js';

/** The data sets of the paper, in its order. */
export const COHORTS: readonly Cohort[] = [
  camelyon,
  camelyon16,
  tcgaNsclc,
  tcgaBrca,
  tcgaLuad,
  tcgaLusc,
  tcgaBlca,
  cptacNsclc,
  cptacLuad,
];

export const COHORT_NAMES: readonly string[] = COHORTS.map(({ name }) => name);

/** The data set of a name, however it is spelt: `TCGA-BRCA`, `tcga_brca`, `brca`. */
export function findCohort(text: string): Cohort | undefined {
  const wanted = text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const plain = ({ name }: Cohort) => name.replace(/-/g, '');
  return (
    COHORTS.find((cohort) => plain(cohort) === wanted) ?? COHORTS.find((cohort) => plain(cohort) === `tcga${wanted}`)
  );
}
