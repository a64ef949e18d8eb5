import * as tf from '@tensorflow/tfjs';

export interface GradientCheckOptions {
  /** Step of the central difference; float32 wants a large one. Default 1e-2. */
  step?: number;
  /** Entries checked per tensor, spread evenly. Default 16. */
  entries?: number;
}

export interface GradientDeviation {
  input: number;
  entry: number;
  analytic: number;
  numeric: number;
  /** |analytic − numeric| / max(1, |numeric|) */
  error: number;
}

/**
 * Compares the tape's gradient of a scalar function with central differences and returns the worst entry.
 * Central differences in float32 are good to about 1e-3.
 */
export function checkGradients(
  f: (...inputs: tf.Tensor[]) => tf.Scalar,
  inputs: tf.Tensor[],
  { step = 1e-2, entries = 16 }: GradientCheckOptions = {},
): GradientDeviation {
  let worst: GradientDeviation = { input: 0, entry: 0, analytic: 0, numeric: 0, error: 0 };
  const gradients = tf.tidy(() =>
    tf
      .grads((...xs: tf.Tensor[]) => f(...xs))(inputs)
      .map((g) => g.dataSync().slice()),
  );
  inputs.forEach((input, index) => {
    const values = input.dataSync().slice() as Float32Array;
    const stride = Math.max(1, Math.floor(values.length / entries));
    for (let entry = 0; entry < values.length; entry += stride) {
      const at = (shift: number): number =>
        tf.tidy(() => {
          const moved = values.slice();
          moved[entry] = (moved[entry] as number) + shift;
          const changed = inputs.map((x, i) => (i === index ? tf.tensor(moved, input.shape) : x));
          return f(...changed).dataSync()[0] as number;
        });
      const numeric = (at(step) - at(-step)) / (2 * step);
      const analytic = gradients[index]?.[entry] as number;
      const error = Math.abs(analytic - numeric) / Math.max(1, Math.abs(numeric));
      if (!(error <= worst.error)) worst = { input: index, entry, analytic, numeric, error };
    }
  });
  return worst;
}
