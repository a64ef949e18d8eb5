/** What an aggregator is used for inside MHIM, as far as its options there depend on it. */
export interface MhimUse {
  /** The conference version, or (default) MHIM-v2. */
  method?: 'mhim' | 'mhim-v2';
  /** Default classification. */
  task?: 'classification' | 'survival';
}
