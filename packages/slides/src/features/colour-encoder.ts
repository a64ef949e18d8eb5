import * as tf from '@tensorflow/tfjs';
import type { PatchEncoder } from './encoder.js';

/**
 * Mean and standard deviation of R, G and B, each 0…1: six features that need no weights. They tell stain from background and
 * little more; for trying a pipeline, not for diagnosis.
 */
export function colourEncoder(): PatchEncoder {
  return {
    name: 'colour',
    width: 6,
    encode: (images) =>
      tf.tidy(() => {
        const rows = images.map(({ data, width, height }) => {
          const pixels = tf
            .tensor2d(data, [width * height, 3], 'int32')
            .toFloat()
            .div(255);
          const { mean, variance } = tf.moments(pixels, 0);
          return tf.concat([mean, variance.maximum(0).sqrt()]);
        });
        return tf.stack(rows) as tf.Tensor2D;
      }),
  };
}
