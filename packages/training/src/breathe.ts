/**
 * Between two bags. Bags in memory never wait for anything: without a turn of the event loop Ctrl-C would go unheard, and locks
 * would not be renewed, for the whole run.
 * @throws the reason of a signal that was given
 */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await new Promise(setImmediate);
  signal?.throwIfAborted();
}
