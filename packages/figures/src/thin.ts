/**
 * At most `most` items at even steps, the first, the last and those marked to be kept always among them (which may exceed `most`).
 * Deterministic, and the same list where it is short enough.
 */
export function thinned<T>(
  items: readonly T[],
  most: number,
  keep: (item: T) => boolean = () => false,
): { kept: T[]; isThinned: boolean } {
  if (items.length <= most) return { kept: [...items], isThinned: false };
  const chosen = new Set<number>();
  const step = (items.length - 1) / (Math.max(most, 2) - 1);
  for (let i = 0; i < Math.max(most, 2); i++) chosen.add(Math.round(i * step));
  return { kept: items.filter((item, i) => chosen.has(i) || keep(item)), isThinned: true };
}
