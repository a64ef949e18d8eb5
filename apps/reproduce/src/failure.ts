import { CommanderError } from 'commander';
import { Interrupted } from './interrupt.js';

/** Exit codes beside 0: BSD's sysexits for bad data and for what may be tried again, the shell's for Ctrl-C. */
export const EXIT = { failure: 1, configuration: 2, data: 65, again: 75, interrupted: 130 } as const;

/**
 * Says on stderr, in one line, what went wrong and what to do. A stack trace is shown only with MHIM_DEBUG=1.
 * @param interrupted the exit code of work that was asked to stop
 * @returns the exit code
 */
export function report(
  error: unknown,
  write: (text: string) => void = (text) => process.stderr.write(text),
  interrupted: number = EXIT.interrupted,
): number {
  if (isInterrupt(error)) {
    write('\nStopped. Run the same command again to continue.\n');
    return interrupted;
  }
  // Commander has printed its own message; asking for help is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.configuration;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  write(`error: ${message.trim().replace(/\s*\n\s*/g, ' ')}\n`);
  if (process.env.MHIM_DEBUG === '1' && stack) write(`${stack}\n`);
  return exitCodeOf(error);
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Interrupted || (error instanceof Error && error.name === 'AbortError');
}

/** All our packages' errors carry a code; `metrics` and `figures` have classes of their own, so the field decides. */
function exitCodeOf(error: unknown): number {
  switch ((error as { code?: unknown }).code) {
    case 'config':
      return EXIT.configuration;
    case 'data':
    case 'file-format':
    case 'file-missing':
    case 'unsafe-file':
    case 'non-finite':
    case 'shape':
    case 'state-dict':
    case 'undefined-metric':
      return EXIT.data;
    case 'busy':
      return EXIT.again;
    default:
      return EXIT.failure;
  }
}
