/**
 * Ctrl-C and `kill`: the first asks running work to stop at its next safe point, for which it has ten seconds, the second stops at
 * once.
 */
export interface Interrupts {
  readonly signal: AbortSignal;
  /** With what code the program ends when it was stopped; default 130, the shell's for Ctrl-C. */
  exitCode?: number;
}

/** What a run that was asked to stop throws; what is on disk is whole, because files are written atomically. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted.');
    this.name = 'Interrupted';
  }
}

export function handleInterrupts(): Interrupts {
  const controller = new AbortController();
  const interrupts: Interrupts = { signal: controller.signal };
  const leave = () => process.exit(interrupts.exitCode ?? 130);
  // SIGUSR1 is what queues warn with; without a listener Node would start its debugger.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) leave();
      controller.abort(new Interrupted());
      // Work without a safe point in all this time ends here: its files are either complete or not there, and locks go with the process.
      setTimeout(leave, 10_000).unref();
    });
  }
  return interrupts;
}
