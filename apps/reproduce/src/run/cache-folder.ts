import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where downloaded data sets are kept; MHIM_CACHE overrides it. */
export function cacheFolder(): string {
  return process.env.MHIM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mhim');
}
