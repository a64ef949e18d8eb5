import type { CellSpec, Column, Extractor, FigureName } from './experiment.js';

/** The sets that the ablations use, as their headings call them. */
const SETS = [
  ['CAMELYON', 'camelyon'],
  ['NSCLC', 'tcga-nsclc'],
] as const;
const BASES = [
  ['AB.', 'ab-mil'],
  ['Trans.', 'trans-mil'],
] as const;
const EXTRACTORS = [
  ['R50', 'resnet-50'],
  ['PLIP', 'plip'],
] as const;

/** Accuracy, AUC and F1 of a set; F1 is the positive class's or the mean over classes, whichever the paper's numbers can be. */
export function diagnosisColumns(heading: string | undefined, set: CellSpec['set'], f1: FigureName): Column[] {
  const spec = { set, task: 'classification' } as const;
  const names: [string, FigureName][] = [
    ['Accuracy', 'accuracy'],
    ['AUC', 'auc'],
    ['F1-score', f1],
  ];
  return names.map(([name, metric]) => ({
    header: heading === undefined ? [name] : [heading, name],
    metric,
    spec,
  }));
}

/** CAMELYON and NSCLC, each over both bases (Tables 7, 8, 10). */
export const columnsByBase: readonly Column[] = SETS.flatMap(([heading, set]) =>
  BASES.map(([name, base]) => ({
    header: [heading, name],
    metric: 'auc' as const,
    spec: { set, task: 'classification' as const, base },
  })),
);

/** CAMELYON and NSCLC, each with both extractors (Tables 9, 11, 12). */
export const columnsByExtractor: readonly Column[] = SETS.flatMap(([heading, set]) =>
  EXTRACTORS.map(([name, extractor]) => aucColumn([heading, name], { set, extractor })),
);

/** Every set, extractor and base (Figures 5 and 6). */
export const columnsByAll: readonly Column[] = SETS.flatMap(([heading, set]) =>
  EXTRACTORS.flatMap(([extractorName, extractor]) =>
    BASES.map(([name, base]) => aucColumn([heading, extractorName, name], { set, extractor, base })),
  ),
);

function aucColumn(
  header: string[],
  spec: { set: CellSpec['set']; extractor: Extractor; base?: CellSpec['base'] },
): Column {
  return { header, metric: 'auc', spec: { ...spec, task: 'classification' } };
}
