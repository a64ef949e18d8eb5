import { stringify } from 'csv-stringify/sync';

/** What is predicted of a bag, and by whom. */
export interface PredictionRow {
  id: string;
  label?: number;
  /** Of each class, or of surviving each time bin. */
  probabilities: readonly number[];
  /** The class that is called: at the threshold that was stored with the model, or the most probable one. */
  called?: number;
  /** Survival: −Σ of the probabilities; higher = earlier death. */
  risk?: number;
  /** Survival: what is known of the bag. */
  time?: number;
  event?: number;
  fold?: number;
  protocol?: string;
  stage?: string;
  epoch?: number;
}

/**
 * A table of predictions: bag_id, label, one probability a class, the class called, then where they come from. Of survival: bag_id, time, event, risk,
 * the probability of surviving each time bin.
 */
export function predictionsCsv(rows: readonly PredictionRow[]): string {
  const outputs = rows[0]?.probabilities.length ?? 2;
  const survival = rows.some(({ risk }) => risk !== undefined);
  const used = <K extends keyof PredictionRow>(...names: K[]) =>
    names.filter((name) => rows.some((row) => row[name] !== undefined));
  const about = used('label', 'time', 'event', 'risk');
  const calls = used('called');
  const whence = used('fold', 'protocol', 'stage', 'epoch');
  const what = survival ? 'survival' : 'probability';
  const header = [
    'bag_id',
    ...about,
    ...Array.from({ length: outputs }, (_, c) => `${what}_${c}`),
    ...calls,
    ...whence,
  ];
  return stringify([
    header,
    ...rows.map((row) => [
      row.id,
      ...about.map((name) => row[name] ?? ''),
      ...row.probabilities,
      ...calls.map((name) => row[name] ?? ''),
      ...whence.map((name) => row[name] ?? ''),
    ]),
  ]);
}
