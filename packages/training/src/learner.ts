import * as tf from '@tensorflow/tfjs';
import { rankingScore, type HardMining } from '@mhim/hard-mining';
import type { Aggregator, BagTarget, Positions } from '@mhim/mil-aggregators';
import { crossEntropy, MhimError, type Module, type Rng } from '@mhim/tensor';
import { withClippedGradients, type GradientClip } from './gradient-clip.js';
import { adam, type AdamConfig, type Optimiser } from './optimiser.js';

/** Where a step stands and where its random numbers come from. */
export interface StepCall {
  rng: Rng;
  /** Steps taken so far, over all epochs. */
  step: number;
  /** Steps of the nominal schedule: epochs × bags. */
  totalSteps: number;
  /** Where the bag's instances lie, where the model uses it and it is known. */
  positions?: Positions;
}

/** The losses of one step; `consistency` only where it has a weight. */
export interface StepLosses {
  loss: number;
  label: number;
  consistency?: number;
}

/** What a model makes of a bag's instances, for looking at. */
export interface Explanation {
  /** [c] */
  probabilities: Float32Array;
  /** [n], where the model has attention. */
  attention?: Float32Array;
  /** Class-aware instance score that hard mining ranks by (MHIM-v2 eq. 6 as a margin, or the largest logit), [n]. */
  scores: Float32Array;
  /** The class that each instance's logits favour, [n]. */
  classes: Int32Array;
  /** What the classifier makes of each instance's share of the bag embedding, [n, c]. */
  instanceLogits: Float32Array;
}

/** A model that learns from one bag at a time, whatever happens inside a step. */
export interface Learner {
  readonly name: string;
  /** The model that is saved and that predicts. */
  readonly model: Module;
  /** Whether positions change anything; for others nobody need work them out. */
  readonly usesPositions: boolean;
  learningRate: number;
  /**
   * One bag, one update.
   * @param target what the bag is trained towards; a class index stands for cross-entropy at it
   * @throws MhimError `non-finite` when the loss is no number
   */
  step(features: tf.Tensor2D, target: BagTarget | number, call: StepCall): StepLosses;
  /** Logits [c] of a bag, at inference. */
  predict(features: tf.Tensor2D, positions?: Positions): Float32Array;
  explain(features: tf.Tensor2D, positions?: Positions): Explanation;
  /** Everything that the next step depends on, beside the data: live tensors by name, and the optimiser's step count. */
  state(): { tensors: Record<string, tf.Tensor>; step: number };
  restore(state: { tensors: Record<string, tf.Tensor>; step: number }): void;
  dispose(): void;
}

export interface SupervisedConfig extends AdamConfig {
  /** Default none. DTFD-MIL's authors clip each of its four modules to 5. */
  clip?: GradientClip;
}

/** Plain supervised training of an aggregator. */
export function supervisedLearner(aggregator: Aggregator, { clip, ...config }: SupervisedConfig = {}): Learner {
  const parameters = aggregator.trainableParameters();
  const gradientsOf = gradientFunction(parameters);
  const plain = adam(parameters, config);
  const optimiser = clip ? withClippedGradients(plain, clip) : plain;
  return {
    name: 'supervised',
    model: aggregator,
    usesPositions: aggregator.usesPositions,
    get learningRate() {
      return optimiser.learningRate;
    },
    set learningRate(rate: number) {
      optimiser.learningRate = rate;
    },
    step: (features, target, { rng, positions }) =>
      tf.tidy(() => {
        const call = { training: true, rng, positions };
        const { value, gradients } = gradientsOf(() =>
          aggregator.loss(aggregator.forward(features, call), targetOf(target), call),
        );
        const loss = finite(value.dataSync()[0] as number);
        optimiser.step(gradients);
        return { loss, label: loss };
      }),
    predict: (features, positions) => read(() => aggregator.forward(features, { positions }).logits),
    explain: (features, positions) => explain(aggregator, features, () => aggregator.forward(features, { positions })),
    ...stateOf(optimiser, { 'model.': aggregator }),
    dispose: () => {
      optimiser.dispose();
      aggregator.dispose();
    },
  };
}

/** Training with masked hard instance mining, of either version (MHIM-v2 Alg. 1 and 2). */
export function mhimLearner(mhim: HardMining, config: AdamConfig = {}): Learner {
  const parameters = mhim.trainableParameters();
  const gradientsOf = gradientFunction(parameters);
  const optimiser = adam(parameters, config);
  return {
    name: mhim.method,
    model: mhim,
    usesPositions: mhim.student.usesPositions,
    get learningRate() {
      return optimiser.learningRate;
    },
    set learningRate(rate: number) {
      optimiser.learningRate = rate;
    },
    step: (features, target, call) =>
      tf.tidy(() => {
        const hard = mhim.mine(features, call);
        let recycled: tf.Tensor2D | undefined;
        let parts: tf.Tensor | undefined;
        const { gradients } = gradientsOf(() => {
          const pass = mhim.studentPass(features, hard, targetOf(target), {
            training: true,
            rng: call.rng,
            positions: call.positions,
          });
          // The tape disposes what it does not return.
          recycled = pass.recycled && tf.keep(pass.recycled);
          const { loss, labelLoss, consistency } = pass;
          parts = tf.keep(tf.stack([loss, labelLoss, ...(consistency ? [consistency] : [])]));
          return pass.loss;
        });
        const [loss, labelPart, consistency] = (parts as tf.Tensor).dataSync() as unknown as [number, number, number?];
        try {
          finite(loss);
          optimiser.step(gradients);
          mhim.afterStep(recycled, call);
        } finally {
          tf.dispose([parts as tf.Tensor, ...(recycled ? [recycled] : [])]);
        }
        return { loss, label: labelPart, ...(consistency === undefined ? {} : { consistency }) };
      }),
    predict: (features, positions) => read(() => mhim.predict(features, { positions }).logits),
    explain: (features, positions) => explain(mhim.student, features, () => mhim.predict(features, { positions })),
    ...stateOf(optimiser, { 'model.': mhim, ...(mhim.hasOwnTeacher ? { 'teacher.': mhim.teacher } : {}) }),
    dispose: () => {
      optimiser.dispose();
      mhim.dispose();
    },
  };
}

function targetOf(target: BagTarget | number): BagTarget {
  return typeof target === 'number' ? { label: target, loss: (logits) => crossEntropy(logits, target) } : target;
}

/** Gradients by parameter name. */
function gradientFunction(parameters: Map<string, tf.Variable>) {
  const variables = [...parameters.values()];
  const names = new Map([...parameters].map(([name, variable]) => [variable.name, name]));
  return (loss: () => tf.Scalar): { value: tf.Scalar; gradients: Record<string, tf.Tensor> } => {
    const { value, grads } = tf.variableGrads(loss, variables);
    const gradients: Record<string, tf.Tensor> = {};
    for (const [id, gradient] of Object.entries(grads)) if (gradient) gradients[names.get(id) as string] = gradient;
    return { value, gradients };
  };
}

function finite(loss: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new MhimError(`the loss became ${loss}.`, {
    code: 'non-finite',
    hint: 'Lower the learning rate, or standardise the features.',
  });
}

function stateOf(optimiser: Optimiser, modules: Record<string, Module>): Pick<Learner, 'state' | 'restore'> {
  return {
    state() {
      const { step, tensors: moments } = optimiser.state();
      const tensors: Record<string, tf.Tensor> = {};
      for (const [prefix, module] of Object.entries(modules)) {
        for (const [name, tensor] of Object.entries(module.stateDict())) tensors[prefix + name] = tensor;
      }
      for (const [name, tensor] of Object.entries(moments)) tensors[`optimiser.${name}`] = tensor;
      return { step, tensors };
    },
    restore({ step, tensors }) {
      const below = (prefix: string) =>
        Object.fromEntries(
          Object.entries(tensors)
            .filter(([name]) => name.startsWith(prefix))
            .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
        );
      for (const [prefix, module] of Object.entries(modules)) module.loadStateDict(below(prefix));
      optimiser.restore({ step, tensors: below('optimiser.') });
    },
  };
}

function read(logits: () => tf.Tensor2D): Float32Array {
  const result = tf.tidy(logits);
  const values = result.dataSync().slice() as Float32Array;
  result.dispose();
  return values;
}

function explain(
  aggregator: Aggregator,
  features: tf.Tensor2D,
  forward: () => { logits: tf.Tensor2D; instances: tf.Tensor2D; embedding: tf.Tensor2D; attention?: tf.Tensor2D },
): Explanation {
  const n = features.shape[0];
  return tf.tidy(() => {
    const prediction = forward();
    const logits = aggregator.instanceLogits(prediction.instances, prediction);
    // Recycled instances come after the bag's own and are left out.
    const own = tf.slice(logits, [0, 0], [n, -1]) as tf.Tensor2D;
    return {
      probabilities: tf.softmax(prediction.logits).dataSync().slice() as Float32Array,
      attention: prediction.attention && (tf.mean(prediction.attention, 0).dataSync().slice(0, n) as Float32Array),
      scores: rankingScore(own, aggregator.instanceScore).dataSync().slice() as Float32Array,
      classes: tf.argMax(own, 1).dataSync().slice() as Int32Array,
      instanceLogits: own.dataSync().slice() as Float32Array,
    };
  });
}
