import * as tf from '@tensorflow/tfjs';
import { outsideTape } from '@mhim/tensor';

export interface ClusteringOptions {
  /** Number of classes c. */
  classes: number;
  /** Instances of highest, and of lowest, attention that are sampled: CLAM's B. */
  sampled: number;
  /** Whether the other classes' classifiers learn from the bag too. */
  subtyping: boolean;
}

/** What one class's instance classifier is to say of its share of the sampled instances. */
export interface ClusteringTask {
  class: number;
  /** 1 for instances that show the class, 0 for those that do not. */
  targets: number[];
}

/** The instances that CLAM's instance classifiers learn from in one bag. */
export interface InstanceClustering {
  /** Instances in the order of the tasks' targets, one after another; int32. */
  indices: tf.Tensor1D;
  tasks: ClusteringTask[];
}

/**
 * Pseudo-labels of CLAM (Lu et al. 2021, "instance-level clustering"): under the attention of the bag's class the B most
 * attended instances show the class and the B least attended do not; when subtyping, the B most attended under each other
 * class do not show that one. A bag of fewer than B instances gives all it has, so an instance may be asked about twice.
 * @param attention one row for all classes or one a class, [1, n] or [c, n]
 * @param label the bag's class
 */
export function clusterInstances(
  attention: tf.Tensor2D,
  label: number,
  { classes, sampled, subtyping }: ClusteringOptions,
): InstanceClustering {
  const [heads, n] = attention.shape;
  const k = Math.min(sampled, n);
  const targets = (value: number) => Array<number>(k).fill(value);
  const tasks: ClusteringTask[] = [];
  const indices = outsideTape(() => {
    const parts: tf.Tensor1D[] = [];
    for (let c = 0; c < classes; c++) {
      if (c !== label && !subtyping) continue;
      const row = tf.slice(attention, [heads > 1 ? c : 0, 0], [1, -1]);
      parts.push(mostAttended(row, k));
      if (c === label) parts.push(mostAttended(tf.neg(row), k));
      tasks.push({ class: c, targets: c === label ? [...targets(1), ...targets(0)] : targets(0) });
    }
    return tf.concat(parts);
  });
  return { indices, tasks };
}

function mostAttended(attention: tf.Tensor2D, k: number): tf.Tensor1D {
  return tf.reshape(tf.topk(attention, k).indices, [-1]);
}
