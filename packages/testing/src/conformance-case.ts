/** What a case says about one of its tensors (conformance README §2). */
export interface TensorInfo {
  role: 'parameter' | 'buffer' | 'input' | 'label' | 'auxiliary' | 'expected' | 'gradient';
  shape: number[];
  dtype: 'float32' | 'float64' | 'int32' | 'uint8';
  desc?: string;
  /** Tolerances, for tensors that a run has to produce. */
  atol?: number;
  rtol?: number;
  exact?: boolean;
  /** Trajectories: 99.5 % of the elements within the tolerance, all within this (README §3). */
  max_dev?: number;
  rule?: string;
}

/** One numerical fixture: everything a run of the official code was made from, and what came out. */
export interface ConformanceCase {
  area: string;
  name: string;
  /** Where the case's files are; some have pictures beside them. */
  folder: string;
  /** Family of fixture; an adapter solves a kind. */
  kind: string;
  /** The arguments as the official constructor names them. */
  constructorArgs: Record<string, unknown>;
  config: Record<string, unknown>;
  /** Facts that are no tensors. */
  values: Record<string, unknown>;
  mode: 'train' | 'eval' | 'n/a';
  tensors: Record<string, TensorInfo>;
  /** Values of a stored or hashed tensor, row by row. @throws MhimError `file-format` when the case has none of that name */
  data(name: string): Float32Array | Float64Array | Int32Array | Uint8Array;
  shape(name: string): number[];
  has(name: string): boolean;
}

/** What an adapter computed, by the names of the case's expected tensors; row by row. */
export type Outputs = Record<string, number | ArrayLike<number>>;

/** Runs our code on the inputs of a case. */
export type Adapter = (fixture: ConformanceCase) => Outputs | Promise<Outputs>;

/** Adapters by the kind of case they solve. */
export type Adapters = Record<string, Adapter>;
