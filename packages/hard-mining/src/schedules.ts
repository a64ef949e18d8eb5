/**
 * Half a cosine from `start` to `end` over `total` steps: end + ½(start − end)(1 + cos(π·step/total)).
 * With end = 0 it is the decay of the high score mask ratio (MHIM-v2 §3.3.2); the last step, total − 1, is not yet `end`.
 */
export function cosineSchedule(start: number, end: number, step: number, total: number): number {
  return end + 0.5 * (start - end) * (1 + Math.cos((Math.PI * step) / total));
}

/** The teacher's momentum rising from `start` to 1 over training (optional in the conference version). */
export function momentumSchedule(start: number, step: number, total: number): number {
  return cosineSchedule(start, 1, step, total);
}
