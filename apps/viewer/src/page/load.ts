import {
  HEAT_CALL,
  HEAT_VERSION,
  type HeatIndex,
  type HeatModelEntry,
  type HeatScores,
  type HeatSlide,
} from '@mhim/figures/heat-view';

/**
 * Data come as scripts that call a function, because a page that is opened from a disk may load scripts but no data.
 * One is loaded at a time, so a call belongs to the script that is being loaded.
 */
let queue: Promise<unknown> = Promise.resolve();

function loadScript<T>(call: string, path: string): Promise<T> {
  const next = queue.then(
    () =>
      new Promise<T>((resolve, reject) => {
        let value: T | undefined;
        (globalThis as Record<string, unknown>)[call] = (given: T) => (value = given);
        const script = document.createElement('script');
        script.src = path;
        script.onload = () => {
          script.remove();
          if (value === undefined) reject(new Error(`${path} is damaged.`));
          else resolve(value);
        };
        script.onerror = () => {
          script.remove();
          reject(new Error(`${path} is not there.`));
        };
        document.head.append(script);
      }),
  );
  queue = next.catch(() => undefined);
  return next;
}

/** Of one folder, whatever is in its name. */
export function urlOf(...parts: string[]): string {
  return parts
    .flatMap((part) => part.split('/'))
    .map(encodeURIComponent)
    .join('/');
}

export async function loadIndex(): Promise<HeatIndex> {
  const index = await loadScript<HeatIndex>(HEAT_CALL.index, 'heatmaps.js');
  if (index.version === HEAT_VERSION) return index;
  throw new Error(`heatmaps.js is of version ${String(index.version)}; this page reads ${HEAT_VERSION}.`);
}

const known = new Map<string, Promise<HeatScores>>();

/** The scores of a slide by a model; the last few stay in memory. */
export function loadScores(slide: HeatSlide, model: HeatModelEntry): Promise<HeatScores> {
  const path = urlOf(slide.folder, model.id, 'scores.js');
  const scores = known.get(path) ?? loadScript<HeatScores>(HEAT_CALL.scores, path);
  known.delete(path);
  known.set(path, scores);
  scores.catch(() => known.delete(path));
  if (known.size > 8) known.delete(known.keys().next().value as string);
  return scores;
}
