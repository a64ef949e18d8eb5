import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';

/**
 * Loads TensorFlow's native backend for tests and conformance runs; where it is not installed, the JavaScript one stays.
 * @returns the backend in force
 */
export async function useNativeForTests(): Promise<string> {
  try {
    createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu');
    await tf.setBackend('tensorflow');
  } catch {
    await tf.setBackend('cpu');
  }
  await tf.ready();
  return tf.getBackend();
}
