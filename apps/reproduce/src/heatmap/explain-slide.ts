import type { Bag } from '@mhim/datasets';
import { softmax, survivalRisks } from '@mhim/metrics';
import { MhimError } from '@mhim/tensor';
import { riskOf } from '@mhim/training';
import { predictSurvival, predictTogether, type FoldModel } from '../models/ensemble.js';

/** What models make of a slide and of its patches; of several models the mean. */
export interface SlideExplanation {
  /** Class probabilities [c], or those of surviving each time bin. */
  probabilities: number[];
  /** Survival only. */
  risk?: number;
  /** [n] */
  attention?: Float64Array;
  /**
   * [n]: probability of a class by the instance's own logits (MHIM-v2 eq. 6), or risk. In double precision: where most of
   * the attention lies on recycled instances, those of the slide differ from 1/c after the sixth digit only.
   */
  score: Float64Array;
  /** [n, c], classification only. */
  classProbabilities?: Float64Array;
  /** 1/c: where a class is neither favoured nor not. */
  centre?: number;
}

/** @param classIndex whose probability is the score; survival has none */
export function explainSlide(models: readonly FoldModel[], bag: Bag, classIndex: number): SlideExplanation {
  const survival = predictSurvival(models);
  const all = models.map(({ model }) => model.explain(bag));
  const probabilities = predictTogether(models, bag);
  const attentions = all.flatMap(({ attention }) => attention ?? []);
  const attention = attentions.length === all.length ? meanOf(attentions) : undefined;
  const width = probabilities.length;
  if (survival) {
    const score = meanOf(all.map(({ instanceLogits }) => survivalRisks(instanceLogits, width)));
    return { probabilities, risk: riskOf(probabilities), attention, score };
  }
  const classProbabilities = meanOf(all.map(({ instanceLogits }) => softmax(instanceLogits, width)));
  const score = Float64Array.from(
    { length: bag.instances },
    (_, i) => classProbabilities[i * width + classIndex] as number,
  );
  return { probabilities, attention, score, classProbabilities, centre: 1 / width };
}

/** @throws MhimError `config` for a class that a model has not; survival has none to choose */
export function checkClass(index: number, { task, classes }: { task?: string; classes: number }): void {
  if (task === 'survival' || index < classes) return;
  throw new MhimError(`the model has classes 0 to ${classes - 1}, not ${index}.`, { code: 'config', path: '--class' });
}

function meanOf(arrays: readonly (Float32Array | Float64Array)[]): Float64Array {
  const [first] = arrays as [Float32Array];
  if (arrays.length === 1) return Float64Array.from(first);
  return Float64Array.from(
    first,
    (_, i) => arrays.reduce((sum, array) => sum + (array[i] as number), 0) / arrays.length,
  );
}
