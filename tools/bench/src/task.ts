/** One thing to time, the same for us and for the peer. */
export interface Task {
  /** An aggregator's name, or `mhim-v2:ab-mil` for MHIM-v2 over one. */
  model: string;
  phase: 'train' | 'infer';
  instances: number;
  inputDim: number;
  repeats: number;
  warmup: number;
}

/** What a timed process reports. */
export interface Measurement {
  /** Median of the repeats. */
  ms: number;
  min_ms: number;
  /** Peak resident memory of the whole process. */
  peak_mb: number;
  version: string;
}

/** One line of the result file. */
export interface Result {
  model: string;
  phase: string;
  instances: number;
  ours_ms: number;
  peer_ms: number | null;
  /** ours / peer; below 1 we are faster. */
  ratio: number | null;
  peak_mb: number;
  peer_peak_mb: number | null;
}
