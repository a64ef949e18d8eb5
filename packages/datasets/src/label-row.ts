import type { LabelColumn } from './labels-columns.js';

/** A slide or a case of a label table. */
export interface LabelRow {
  /** The slide where the table lists slides, else the case. */
  readonly id: string;
  /** The case column's, else the one that a TCGA barcode or a CAMELYON17 name holds ({@link caseOfSlide}). */
  readonly caseId?: string;
  /** Class, from 0. */
  readonly label?: number;
  /** Until the event or the last follow-up, in the table's unit (the paper's: months). */
  readonly time?: number;
  /** 1 = the event was seen, 0 = censored. */
  readonly event?: 0 | 1;
  /** Slides of the case, where the table names them. */
  readonly slides?: readonly string[];
  /** As in the table, in lower case: train, val, test … */
  readonly split?: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

export interface ReadLabelsOptions {
  /** Whether the first row names the columns. Default: it does if a cell of it is a known column name that no other row of its column repeats. */
  header?: boolean;
  /** Number of each class by its name in the table, e.g. `{ LUAD: 0, LUSC: 1 }`. Default: numbers as they are, else names in sorted order. */
  classes?: Readonly<Record<string, number>>;
  /** Columns by name, or by position from 0, where they are not recognised. */
  columns?: Partial<Record<Exclude<LabelColumn, 'event'>, string | number>>;
}
