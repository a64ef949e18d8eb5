/** What a job may use, and how the program is called there. */
export interface EngineOptions {
  /** Absolute path of jobs.jsonl as the workers see it. */
  plan: string;
  /** How `reproduce` is called. */
  command: string;
  /** Wall clock of one job, `HH:MM:SS`. */
  time: string;
  cpus: number;
  gpus: number;
  /** Gibibytes. */
  memory: number;
  /** Jobs at a time. */
  parallel: number;
  partition?: string;
  image: string;
  claim: string;
  /** Where the root of the volume is on the pods; default the deepest folder that holds plan and data. */
  mount?: string;
  namespace: string;
}

/** Files of an export by name. */
export type EngineFiles = Record<string, string>;

/** A word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
