import * as tf from '@tensorflow/tfjs';
import type { Module } from '@mhim/tensor';
import type { EncoderEngine, ImageBatch } from './encoder.js';

/** Runs a network of ours on the chosen backend. */
export class NetworkEngine implements EncoderEngine {
  constructor(
    private readonly network: Module,
    private readonly forward: (images: tf.Tensor4D) => tf.Tensor2D,
  ) {}

  async run({ count, height, width, values }: ImageBatch): Promise<Float32Array> {
    const features = tf.tidy(() => this.forward(tf.tensor4d(values, [count, height, width, 3])));
    try {
      return (await features.data()) as Float32Array;
    } finally {
      features.dispose();
    }
  }

  dispose(): void {
    this.network.dispose();
  }
}
