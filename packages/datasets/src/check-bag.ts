import { MhimError } from '@mhim/tensor';
import type { Bag } from './bag.js';

const knownWidths: Record<number, string> = {
  512: 'PLIP or CONCH',
  768: 'CTransPath or Phikon',
  1024: 'ResNet-50 (CLAM) or UNI',
  1280: 'Virchow (class token)',
  1536: 'UNI2, GigaPath or H-optimus',
  2048: 'ResNet-50 (full)',
  2560: 'Virchow',
};

export interface BagExpectations {
  /** Where the bag came from, for the message. */
  path: string;
  /** Width that the other bags or the model have. */
  width?: number;
  /** The bag that has this width, for the message: it may be the odd one. */
  widthOf?: string;
}

/**
 * Checks a bag as it was read.
 * @throws MhimError `data` when it is empty, of another width, holds NaN or infinity, or its arrays are of different lengths
 */
export function checkBag(bag: Bag, { path, width, widthOf }: BagExpectations): Bag {
  checkInstances(bag.id, bag.instances, path);
  if (width !== undefined && bag.width !== width) {
    const [found, expected] = [knownWidths[bag.width], knownWidths[width]];
    const like = widthOf === undefined ? '' : ` as in bag "${widthOf}"`;
    throw new MhimError(
      `bag "${bag.id}": features have ${bag.width} columns, expected ${width}${expected ? ` (${expected})` : ''}${like}.`,
      {
        code: 'data',
        path,
        hint: `Was it extracted with ${found ?? 'another encoder'}? Extract all bags with one encoder.`,
      },
    );
  }
  if (bag.width === 0) {
    throw new MhimError(`bag "${bag.id}": features have no columns.`, {
      code: 'data',
      path,
      hint: 'Extract the features of this slide again.',
    });
  }
  for (const [what, found, expected] of [
    ['feature values', bag.features.length, bag.instances * bag.width],
    ['coordinate values', bag.coords?.length, bag.instances * 2],
    ['instance labels', bag.instanceLabels?.length, bag.instances],
  ] as const) {
    if (found === undefined || found === expected) continue;
    throw new MhimError(`bag "${bag.id}" has ${found} ${what}, expected ${expected} for ${bag.instances} instances.`, {
      code: 'data',
      path,
      hint: 'Extract this slide again.',
    });
  }
  const bad = firstNonFinite(bag.features);
  if (bad >= 0) {
    throw new MhimError(
      `bag "${bag.id}": instance ${Math.floor(bad / bag.width)}, feature ${bad % bag.width} is ${bag.features[bad]}.`,
      {
        code: 'data',
        path,
        hint: 'Extract the features of this slide again; training on NaN or infinity is not possible.',
      },
    );
  }
  if (bag.coords && firstNonFinite(bag.coords) >= 0) {
    throw new MhimError(`bag "${bag.id}": its coordinates hold NaN or infinity.`, {
      code: 'data',
      path,
      hint: 'Extract this slide again.',
    });
  }
  return bag;
}

/** @throws MhimError `data` for a bag without instances */
export function checkInstances(id: string, instances: number, path: string): void {
  if (instances > 0) return;
  throw new MhimError(`bag "${id}" has no instances.`, {
    code: 'data',
    path,
    hint: 'Was any tissue found on the slide? Leave the bag out, or extract it again.',
  });
}

function firstNonFinite(values: Float32Array): number {
  // A sum is finite exactly when (almost) all terms are, and much faster to test.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  if (Number.isFinite(sum)) return -1;
  return values.findIndex((value) => !Number.isFinite(value));
}
