import * as tf from '@tensorflow/tfjs';
import { crossEntropy, Rng } from '@mhim/tensor';
import type { Positions } from '@mhim/mil-aggregators';
import type { HardInstances, HardMining } from './hard-mining.js';

export interface StepOutcome {
  loss: number;
  consistency?: number;
  /** Loss and all gradients. */
  finite: boolean;
  /** Parameters whose gradient is not zero everywhere. */
  reached: string[];
  hard: Omit<HardInstances, 'target'>;
}

/** One whole training step, plain gradient descent in the optimiser's place. */
export function trainingStep(
  model: HardMining,
  features: tf.Tensor2D,
  rng: Rng,
  { step = 3, totalSteps = 100, positions }: { step?: number; totalSteps?: number; positions?: Positions } = {},
): StepOutcome {
  let outcome: StepOutcome | undefined;
  tf.tidy(() => {
    const progress = { step, totalSteps };
    const { target, ...hard } = model.mine(features, { rng, positions, ...progress });
    const kept: { recycled?: tf.Tensor2D; consistency?: tf.Scalar } = {};
    const parameters = model.trainableParameters();
    const { value, grads } = tf.variableGrads(() => {
      const pass = model.studentPass(
        features,
        { ...hard, target },
        { loss: (logits) => crossEntropy(logits, 1), label: 1 },
        { training: true, rng, positions },
      );
      kept.recycled = pass.recycled && tf.keep(pass.recycled);
      kept.consistency = pass.consistency && tf.keep(pass.consistency);
      return pass.loss;
    }, [...parameters.values()]);
    const gradients = [...parameters].flatMap(([name, variable]) => {
      const gradient = grads[variable.name];
      return gradient ? [{ name, variable, gradient }] : [];
    });
    outcome = {
      loss: value.dataSync()[0] as number,
      consistency: kept.consistency?.dataSync()[0],
      finite: [value, ...gradients.map(({ gradient }) => gradient)].every((x) => x.dataSync().every(Number.isFinite)),
      reached: gradients.filter(({ gradient }) => gradient.dataSync().some((x) => x !== 0)).map(({ name }) => name),
      hard,
    };
    for (const { variable, gradient } of gradients) variable.assign(tf.sub(variable, tf.mul(gradient, 0.1)));
    model.afterStep(kept.recycled, progress);
    tf.dispose(Object.values(kept) as tf.Tensor[]);
  });
  return outcome as StepOutcome;
}

/** A bag of n random instances. */
export function bagOf(n: number, width: number, seed = 1): tf.Tensor2D {
  return new Rng(seed).normal([n, width]);
}
