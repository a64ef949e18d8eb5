import type { Job } from '../graph/job.js';

/** Jobs by how many others they wait for in a row; the order of a plan, so numbers run on from level to level. */
export function levelsOf(jobs: readonly Job[]): Job[][] {
  const level = new Map<string, number>();
  const levels: Job[][] = [];
  for (const job of jobs) {
    const own = job.needs.reduce((most, id) => Math.max(most, 1 + (level.get(id) ?? 0)), 0);
    level.set(job.id, own);
    (levels[own] ??= []).push(job);
  }
  return levels;
}
