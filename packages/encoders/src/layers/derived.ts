import * as tf from '@tensorflow/tfjs';

/** Tensors computed from variables and kept until one of these is assigned anew, so that weights are rearranged once. */
export class Derived<T extends tf.Tensor[]> {
  private made?: { tensors: T; from: object[] };

  /** @param make called only when `variables` have changed since the last time */
  of(variables: readonly tf.Variable[], make: () => T): T {
    // Assigning a variable gives it another data id.
    const from = variables.map(({ dataId }) => dataId);
    if (this.made?.from.every((id, i) => id === from[i])) return this.made.tensors;
    this.dispose();
    const tensors = tf.tidy(() => make().map((tensor) => tf.keep(tensor)) as T);
    this.made = { tensors, from };
    return tensors;
  }

  dispose(): void {
    if (this.made) tf.dispose(this.made.tensors);
    this.made = undefined;
  }
}
