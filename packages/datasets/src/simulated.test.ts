import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Bag } from './bag.js';
import { checkFolds } from './folds/check-folds.js';
import { patientFolds } from './folds/patient-folds.js';
import { PATCH_KINDS } from './simulated-layout.js';
import { simulatedSlides, type SimulatedSlidesOptions } from './simulated.js';

const small = { slides: 12, seed: 7, instances: [200, 900], width: 32 } as const;
const firstPositive = (source: ReturnType<typeof simulatedSlides>) => source.bags.findIndex(({ label }) => label === 1);

describe('simulatedSlides', () => {
  it('says that it is simulated, and how large every slide is before it is made', async () => {
    const source = simulatedSlides(small);
    expect(source.simulated).toBe(true);
    expect(source.bags.filter(({ label }) => label === 1).length).toBe(6);
    for (const [i, info] of source.bags.entries()) {
      const bag = await source.read(i);
      expect([bag.id, bag.label, bag.instances]).toEqual([info.id, info.label, info.instances]);
      expect(bag.features.length).toBe(bag.instances * 32);
      expect(bag.features.every(Number.isFinite)).toBe(true);
      expect(bag.instances).toBeGreaterThanOrEqual(200);
      expect(bag.instances).toBeLessThanOrEqual(900);
      expect(bag.instanceLabels?.some((label) => label === 1)).toBe(info.label === 1);
    }
  });

  it('is the same in any order, on any machine, and differs by seed and slide', async () => {
    const [one, two] = [simulatedSlides(small), simulatedSlides(small)];
    const late = await one.read(5);
    await two.read(9);
    expect(await two.read(5)).toEqual(late);
    expect(digest(late)).toBe('2d9df66d0e529f316b65a085f2c94e9427e66e6c1c510628611b37fc69a20f2c');
    expect((await simulatedSlides({ ...small, seed: 8 }).read(5)).features.slice(0, 9)).not.toEqual(
      late.features.slice(0, 9),
    );
    expect((await one.read(6)).features.slice(0, 9)).not.toEqual(late.features.slice(0, 9));
    expect(await one.fingerprint()).toBe(await two.fingerprint());
    expect(await simulatedSlides({ ...small, difficulty: 'hard' }).fingerprint()).not.toBe(await one.fingerprint());
  });

  it('plans many large slides without making them', async () => {
    const source = simulatedSlides({ slides: 1000, seed: 1, instances: 10_000 });
    expect(source.bags.length).toBe(1000);
    expect((await source.read(999)).features.length).toBe(10_000 * 1024);
  });

  it('lies on a patch grid, each place once', async () => {
    const { coords, instances } = await simulatedSlides({ ...small, patchSize: 256 }).read(0);
    const places = new Set<string>();
    for (let i = 0; i < instances; i++) places.add(`${coords?.[2 * i]},${coords?.[2 * i + 1]}`);
    expect(places.size).toBe(instances);
    expect(coords?.every((value) => value % 256 === 0)).toBe(true);
  });

  it('grows tumours in regions of the asked size', () => {
    const source = simulatedSlides({ slides: 10, seed: 3, instances: 4000, width: 8, tumourShare: [0.04, 0.06] });
    const { kinds, coords } = source.layout(firstPositive(source));
    const tumour = new Set<string>();
    const at = (x: number, y: number) => `${x},${y}`;
    const isTumour = (i: number) => (PATCH_KINDS[kinds[i] as number] as string).endsWith('tumour');
    const place = (i: number): [number, number] => [coords[2 * i] as number, coords[2 * i + 1] as number];
    kinds.forEach((_, i) => isTumour(i) && tumour.add(at(...place(i))));
    expect(tumour.size / 4000).toBeGreaterThanOrEqual(0.04);
    expect(tumour.size / 4000).toBeLessThanOrEqual(0.06);
    let together = 0;
    kinds.forEach((_, i) => {
      const [x, y] = place(i);
      if (isTumour(i)) together += Number(tumour.has(at(x + 512, y))) + Number(tumour.has(at(x, y + 512)));
    });
    expect(together / (2 * tumour.size)).toBeGreaterThan(0.6);
  });

  it('has hard positives, mimics and artefacts', () => {
    const source = simulatedSlides({
      slides: 4,
      seed: 3,
      instances: 5000,
      width: 8,
      difficulty: 'hard',
      artefacts: 0.1,
    });
    const { kinds } = source.layout(firstPositive(source));
    expect(new Set(kinds).size).toBe(PATCH_KINDS.length);
    const count = (...names: string[]) => kinds.filter((kind) => names.includes(PATCH_KINDS[kind] as string)).length;
    const clean = simulatedSlides({ slides: 4, seed: 3, instances: 5000, width: 8, difficulty: 'easy', artefacts: 0 });
    expect(new Set(clean.layout(firstPositive(clean)).kinds)).toEqual(new Set([0, 2, 3]));
    expect(count('hard tumour') / count('hard tumour', 'easy tumour')).toBeGreaterThan(0.4);
  });

  it('makes tumours harder to tell apart with difficulty', async () => {
    const [easy, medium, hard] = (await Promise.all(
      ([0, 0.5, 1] as const).map((difficulty) => separation({ difficulty, tumourShare: [0.05, 0.05] })),
    )) as [number, number, number];
    expect(easy).toBeGreaterThan(medium + 0.01);
    expect(medium).toBeGreaterThan(hard + 0.01);
    expect(hard).toBeGreaterThan(0.7);
  });

  it('stains centres differently', async () => {
    const apart = async (stain: number) => {
      const source = simulatedSlides({ ...small, slides: 30, instances: 300, centres: 2, positiveRate: 0, stain });
      const means = await Promise.all(source.bags.map(async (_, i) => meanOf(await source.read(i), () => true)));
      const of = (centre: number) => average(means.filter((_, i) => source.centre(i) === centre));
      return distance(of(0), of(1));
    };
    expect(await apart(1)).toBeGreaterThan(2 * (await apart(0)));
  });

  it('gives the slides of a patient one label and one centre', () => {
    const source = simulatedSlides({ ...small, slides: 60, slidesPerCase: 3 });
    source.bags.forEach(({ caseId, label }, i) => {
      const first = source.bags.findIndex((bag) => bag.caseId === caseId);
      expect([label, source.centre(i)]).toEqual([source.bags[first]?.label, source.centre(first)]);
    });
    checkFolds(patientFolds(source.bags, { seed: 1 }), source.bags);
  });

  it.each([
    [{ slides: 0 }, /simulatedSlides slides: expected an integer of 1 or more, got 0/],
    [{ seed: -1 }, /simulatedSlides seed: expected an integer in \[0, 2\^32\), got -1/],
    [{ instances: [900, 200] as const }, /simulatedSlides instances: .*got \[900,200\]/],
    [{ difficulty: 1.5 }, /simulatedSlides difficulty: .*got 1\.5/],
    [{ positiveRate: Number.NaN }, /simulatedSlides positiveRate/],
    [{ width: 2.5 }, /simulatedSlides width/],
  ])('refuses %j', (options, message) => {
    expect(() => simulatedSlides({ ...small, ...options })).toThrow(message);
  });

  it('names a slide that is not there', async () => {
    await expect(simulatedSlides(small).read(12)).rejects.toThrow(/there is no slide 12, there are 12/);
  });
});

function digest({ features, coords, instanceLabels }: Bag): string {
  const hash = createHash('sha256');
  for (const part of [features, coords, instanceLabels]) {
    hash.update(new Uint8Array(part?.buffer as ArrayBuffer));
  }
  return hash.digest('hex');
}

/** Mean over positive slides of the AUC of tumour against other patches along the line between their means. */
async function separation(options: Partial<SimulatedSlidesOptions>): Promise<number> {
  const source = simulatedSlides({
    slides: 6,
    seed: 5,
    instances: 1500,
    width: 64,
    positiveRate: 1,
    artefacts: 0,
    ...options,
  });
  const values = await Promise.all(
    source.bags.map(async (_, i) => {
      const bag = await source.read(i);
      const isTumour = (at: number) => bag.instanceLabels?.[at] === 1;
      const [tumour, other] = [meanOf(bag, isTumour), meanOf(bag, (at) => !isTumour(at))];
      const scores = Array.from({ length: bag.instances }, (_, at) =>
        tumour.reduce(
          (sum, value, j) => sum + (value - (other[j] as number)) * (bag.features[at * 64 + j] as number),
          0,
        ),
      );
      const positive = scores.filter((_, at) => isTumour(at));
      const negative = scores.filter((_, at) => !isTumour(at));
      const wins = positive.reduce((sum, p) => sum + negative.filter((q) => p > q).length, 0);
      return wins / positive.length / negative.length;
    }),
  );
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function meanOf(bag: Bag, chosen: (at: number) => boolean): number[] {
  const rows = Array.from({ length: bag.instances }, (_, at) => at).filter(chosen);
  return average(rows.map((at) => Array.from(bag.features.subarray(at * bag.width, (at + 1) * bag.width))));
}

function average(rows: number[][]): number[] {
  return (rows[0] ?? []).map((_, j) => rows.reduce((sum, row) => sum + (row[j] as number), 0) / rows.length);
}

function distance(a: number[], b: number[]): number {
  return Math.sqrt(a.reduce((sum, value, j) => sum + (value - (b[j] as number)) ** 2, 0));
}
