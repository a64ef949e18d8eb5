import { stringify } from 'csv-stringify/sync';

/** A bag's class probabilities, and who predicted them. */
export interface PredictionRow {
  id: string;
  label?: number;
  probabilities: readonly number[];
  fold?: number;
  protocol?: string;
  stage?: string;
  epoch?: number;
}

/** A table of predictions: bag_id, label, one probability a class, then where they come from. */
export function predictionsCsv(rows: readonly PredictionRow[]): string {
  const classes = rows[0]?.probabilities.length ?? 2;
  const whence = (['fold', 'protocol', 'stage', 'epoch'] as const).filter((name) =>
    rows.some((row) => row[name] !== undefined),
  );
  const hasLabels = rows.some(({ label }) => label !== undefined);
  const header = [
    'bag_id',
    ...(hasLabels ? ['label'] : []),
    ...Array.from({ length: classes }, (_, c) => `probability_${c}`),
    ...whence,
  ];
  return stringify([
    header,
    ...rows.map((row) => [
      row.id,
      ...(hasLabels ? [row.label ?? ''] : []),
      ...row.probabilities,
      ...whence.map((name) => row[name] ?? ''),
    ]),
  ]);
}
