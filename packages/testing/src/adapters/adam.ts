import * as tf from '@tensorflow/tfjs';

/** Stand-in until @mhim/training has its optimiser. */
export class Adam {
  private t = 0;
  private readonly moments = new Map<string, { m: tf.Variable; v: tf.Variable }>();
  constructor(
    private readonly parameters: Map<string, tf.Variable>,
    private readonly options: { learningRate: number; weightDecay: number },
  ) {
    for (const [name, p] of parameters)
      this.moments.set(name, { m: tf.variable(tf.zerosLike(p), false), v: tf.variable(tf.zerosLike(p), false) });
  }
  step(gradients: Map<string, tf.Tensor>): void {
    this.t++;
    tf.tidy(() => {
      for (const [name, p] of this.parameters) {
        const g0 = gradients.get(name);
        if (!g0) continue;
        const { m, v } = this.moments.get(name)!;
        const g = tf.add(g0, tf.mul(p, this.options.weightDecay));
        m.assign(tf.add(tf.mul(m, 0.9), tf.mul(g, 0.1)));
        v.assign(tf.add(tf.mul(v, 0.999), tf.mul(tf.square(g), 0.001)));
        const mh = tf.div(m, 1 - 0.9 ** this.t);
        const vh = tf.sqrt(tf.div(v, 1 - 0.999 ** this.t));
        p.assign(tf.sub(p, tf.mul(tf.div(mh, tf.add(vh, 1e-8)), this.options.learningRate)));
      }
    });
  }
}
