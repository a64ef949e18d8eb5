import * as tf from '@tensorflow/tfjs';

/** Attribute kinds of a TensorFlow operation, by the names of the C API. */
type AttributeType = 'TYPE' | 'BOOL' | 'INT' | 'FLOAT' | 'SHAPE' | 'STRING';
/** TensorFlow's element types that the binding knows. */
export type NativeDtype = 'FLOAT' | 'INT32' | 'INT64' | 'BOOL' | 'UINT8';

export interface NativeAttribute {
  name: string;
  type: AttributeType;
  value: number | boolean | string | number[] | NativeDtype;
}

interface NativeBackend {
  binding: Record<string, number>;
  executeSingleOutput(name: string, attributes: unknown[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: unknown[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
}

/** True where tensors live in TensorFlow's C library (CPU or GPU), so that any of its kernels can be called. */
export function isNative(): boolean {
  return tf.getBackend() === 'tensorflow';
}

/**
 * Calls one TensorFlow kernel by its registered name. Only where {@link isNative}; records nothing on the gradient tape.
 */
export function nativeOp(name: string, attributes: NativeAttribute[], inputs: tf.Tensor[]): tf.Tensor {
  const backend = tf.backend() as unknown as NativeBackend;
  return backend.executeSingleOutput(name, encode(backend, attributes), inputs);
}

/** As {@link nativeOp}, for kernels with several outputs (or none). */
export function nativeOps(
  name: string,
  attributes: NativeAttribute[],
  inputs: tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const backend = tf.backend() as unknown as NativeBackend;
  return backend.executeMultipleOutputs(name, encode(backend, attributes), inputs, outputs);
}

function encode(backend: NativeBackend, attributes: NativeAttribute[]): unknown[] {
  const { binding } = backend;
  return attributes.map(({ name, type, value }) => ({
    name,
    type: binding[`TF_ATTR_${type}`],
    value: type === 'TYPE' ? binding[`TF_${String(value)}`] : value,
  }));
}
