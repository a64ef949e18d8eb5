import { createHash } from 'node:crypto';
import { MhimError } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { identityOf } from './bag-identity.js';
import { classCount, type BagSource } from './bag-source.js';

/**
 * One bag a case instead of one a slide: all slides of a case, one after the other, in the order of the source. Coordinates and
 * instance labels go along where every slide of the case has them.
 * @throws MhimError `data` for a case whose slides differ in label, outcome or split
 */
export function caseBags(source: BagSource): BagSource {
  const cases = groupByCase(source);
  const bags = cases.map(({ info }) => info);
  return {
    name: source.name,
    path: source.path,
    width: source.width,
    classes: classCount(bags),
    simulated: source.simulated,
    bags,
    async read(index) {
      const { info, slides } = cases[index] as Case;
      const parts: Bag[] = [];
      for (const slide of slides) parts.push(await source.read(slide));
      return { ...concatenated(parts), id: info.id, label: info.label };
    },
    async fingerprint() {
      const hash = createHash('sha256').update(await source.fingerprint());
      for (const bag of bags) hash.update(identityOf(bag));
      return hash.digest('hex');
    },
    close: () => source.close(),
  };
}

interface Case {
  info: BagInfo;
  /** Indices of its slides. */
  slides: number[];
}

function groupByCase({ bags, path }: BagSource): Case[] {
  const groups = new Map<string, number[]>();
  bags.forEach(({ id, caseId = id }, index) => groups.set(caseId, [...(groups.get(caseId) ?? []), index]));
  return [...groups].map(([id, slides]) => {
    const members = slides.map((index) => bags[index] as BagInfo);
    const [first] = members as [BagInfo];
    for (const field of ['label', 'time', 'event', 'split'] as const) {
      const other = members.find((slide) => slide[field] !== first[field]);
      if (!other) continue;
      throw new MhimError(
        `case "${id}" has slides of ${field} ${first[field]} ("${first.id}") and ${other[field]} ("${other.id}").`,
        { code: 'data', path, hint: 'A case that is one bag needs one; correct the label table, or train on slides.' },
      );
    }
    const instances = members.reduce((sum, slide) => sum + (slide.instances ?? NaN), 0);
    return { info: { ...first, id, caseId: id, instances: Number.isNaN(instances) ? undefined : instances }, slides };
  });
}

/** The bags of several slides as one. */
function concatenated(parts: readonly Bag[]): Bag {
  const [first] = parts as [Bag];
  if (parts.length === 1) return first;
  const all = <T extends Float32Array | Int32Array>(of: (part: Bag) => T | undefined): T[] | undefined => {
    const arrays = parts.map(of);
    return arrays.every((array) => array !== undefined) ? (arrays as T[]) : undefined;
  };
  const oneUnit = parts.every(({ coordsUnit }) => coordsUnit === first.coordsUnit);
  const coords = oneUnit ? all(({ coords: own }) => own) : undefined;
  const labels = all(({ instanceLabels: own }) => own);
  const instances = parts.reduce((sum, part) => sum + part.instances, 0);
  return {
    id: first.id,
    label: first.label,
    width: first.width,
    instances,
    features: joined(
      parts.map(({ features }) => features),
      new Float32Array(instances * first.width),
    ),
    ...(coords && {
      coords: joined(coords, new Float32Array(2 * instances)),
      ...(first.coordsUnit && { coordsUnit: first.coordsUnit }),
    }),
    ...(labels && { instanceLabels: joined(labels, new Int32Array(instances)) }),
  };
}

/** Arrays one after the other, in a target of their joint length. */
export function joined<T extends Float32Array | Int32Array>(parts: readonly T[], target: T): T {
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
  return target;
}
