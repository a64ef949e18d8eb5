/** What is known of a bag before its features are read. */
export interface BagInfo {
  /** Slide or case name, unique within a source. */
  readonly id: string;
  /** Class index; absent for bags to predict. */
  readonly label?: number;
  /** Patient: bags of one case never straddle a fold. */
  readonly caseId?: string;
  readonly instances?: number;
  /** Survival: follow-up time, in the table's unit. */
  readonly time?: number;
  /** Survival: 1 = died, 0 = censored. */
  readonly event?: 0 | 1;
  /** The part of a fixed split that the table assigns. */
  readonly split?: string;
}

/** A bag of instance features, in ordinary memory. */
export interface Bag {
  readonly id: string;
  /** Number n of instances (patches). */
  readonly instances: number;
  /** Width d of the features. */
  readonly width: number;
  /** [n, d], row by row. */
  readonly features: Float32Array;
  readonly label?: number;
  /** [n, 2], x and y at the slide's finest level, in pixels. */
  readonly coords?: Float32Array;
  /** Coordinates of STAMP's files are micrometres; absent for pixels. */
  readonly coordsUnit?: 'um';
  /** [n], true instance labels where they are known. */
  readonly instanceLabels?: Int32Array;
}
