import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/** The largest of each column; the gradient goes to one row, as PyTorch's does, also among equal ones. [n, c] → [1, c] */
export const columnMaximum = differentiable((x: tf.Tensor2D) => ({
  value: tf.max(x, 0, true) as tf.Tensor2D,
  save: [tf.argMax(x, 0)],
  gradient: (dy, [rows]) => [
    () => {
      const columns = tf.range(0, x.shape[1], 1, 'int32');
      const places = tf.stack([tf.cast(rows as tf.Tensor1D, 'int32'), columns], 1);
      return tf.scatterND(places, tf.reshape(dy, [-1]), x.shape);
    },
  ],
}));
