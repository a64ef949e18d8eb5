/** Ctrl-C and `kill`: the first asks running work to stop at its next safe point, the second stops at once. */
export interface Interrupts {
  readonly signal: AbortSignal;
}

/** What a run that was asked to stop throws; nothing is lost, because checkpoints are written atomically. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted.');
    this.name = 'Interrupted';
  }
}

export function handleInterrupts(): Interrupts {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Interrupted());
      // A command without safe points of its own ends here; its files are either complete or not there.
      setTimeout(() => process.exit(130), 10_000).unref();
    });
  }
  return { signal: controller.signal };
}
