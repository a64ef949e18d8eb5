#!/usr/bin/env node
import { handleInterrupts } from './interrupt.js';
import { report } from './failure.js';
import { createProgram } from './program.js';

// TensorFlow's own start-up chatter is not ours to show.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';

const interrupts = handleInterrupts();
try {
  await createProgram(interrupts).parseAsync();
} catch (error) {
  process.exitCode = report(error, undefined, interrupts.exitCode);
}
