/** A reason why the native backend cannot be set up, in one sentence with the remedy. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
}
