import * as tf from '@tensorflow/tfjs';
import type { Optimiser } from './optimiser.js';

export interface GradientClip {
  /** The largest Euclidean norm that the gradients of a group may have together. */
  norm: number;
  /**
   * How the names of each group's parameters begin; a parameter is in the first group that fits, and in none is left alone.
   * Default: one group of all.
   */
  groups?: readonly string[];
}

/**
 * Gradients by parameter name, those of every group scaled down to the norm that it may have (`torch.nn.utils.clip_grad_norm_`
 * for each group); nothing is read back.
 */
export function clipGradients(
  gradients: Record<string, tf.Tensor>,
  { norm, groups = [''] }: GradientClip,
): Record<string, tf.Tensor> {
  const clipped = { ...gradients };
  const names = Object.keys(gradients);
  const groupOf = (name: string) => groups.findIndex((prefix) => name.startsWith(prefix));
  groups.forEach((_, g) => {
    const members = names.filter((name) => groupOf(name) === g);
    if (members.length === 0) return;
    const squares = members.map((name) => tf.sum(tf.square(gradients[name] as tf.Tensor)));
    // PyTorch's 1e-6 against a norm of 0.
    const scale = tf.minimum(tf.div(norm, tf.add(tf.sqrt(tf.addN(squares)), 1e-6)), 1);
    for (const name of members) clipped[name] = tf.mul(gradients[name] as tf.Tensor, scale);
  });
  return clipped;
}

/** An optimiser that sees clipped gradients. */
export function withClippedGradients(optimiser: Optimiser, clip: GradientClip): Optimiser {
  return {
    get learningRate() {
      return optimiser.learningRate;
    },
    set learningRate(rate: number) {
      optimiser.learningRate = rate;
    },
    step: (gradients) => void tf.tidy(() => optimiser.step(clipGradients(gradients, clip))),
    state: () => optimiser.state(),
    restore: (state) => optimiser.restore(state),
    dispose: () => optimiser.dispose(),
  };
}
