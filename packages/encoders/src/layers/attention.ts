import * as tf from '@tensorflow/tfjs';

/**
 * Attention of every head among the tokens of each image (Vaswani et al. 2017 eq. 1).
 * @param queries [n, heads, t, w], already scaled
 * @param keys [n, heads, t, w]
 * @param values [n, heads, t, w]
 * @returns [n·t, heads·w]
 */
export function attend(queries: tf.Tensor4D, keys: tf.Tensor4D, values: tf.Tensor4D): tf.Tensor2D {
  const [n, heads, tokens, width] = queries.shape;
  const weights = tf.softmax(tf.matMul(queries, keys, false, true));
  const mixed = tf.transpose(tf.matMul(weights, values), [0, 2, 1, 3]);
  return tf.reshape(mixed, [n * tokens, heads * width]);
}

/** [n, t, d] as the rows of a matrix, and back. */
export function rowsOf(tokens: tf.Tensor3D): tf.Tensor2D {
  return tf.reshape(tokens, [-1, tokens.shape[2]]);
}

/** A class token before the patches of each image: [n, p, d] → [n, 1 + p, d]. */
export function withClassToken(patches: tf.Tensor3D, token: tf.Tensor1D): tf.Tensor3D {
  const [n, , dim] = patches.shape;
  return tf.concat([tf.tile(tf.reshape(token, [1, 1, dim]), [n, 1, 1]) as tf.Tensor3D, patches], 1);
}

/** The first token of each image: [n, t, d] → [n, d]. */
export function classTokenOf(tokens: tf.Tensor3D): tf.Tensor2D {
  return tf.squeeze(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), [1]);
}
