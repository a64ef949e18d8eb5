import { MhimError } from '@mhim/tensor';

/** A number as the paper prints it. */
export interface Printed {
  text: string;
  /** In the unit of its column: per cent, seconds, millions of parameters, gigabytes, slides a second. */
  mean: number;
  /** Population standard deviation over folds. */
  std?: number;
  /** Printed beside it instead: the gain over the baseline. */
  gain?: number;
}

const PATTERN = /^(\d+\.?\d*)(?:±(\d+\.?\d*)|([+-])(\d*\.?\d*)|[MGs])?$/;

/** Reads `91.59±2.27`, `76.5+2` (mean and gain), `81.2-.1`, `1250`, `0.66M`, `3.1s`. */
export function printed(text: string): Printed {
  const [, mean, std, sign, gain] = PATTERN.exec(text) ?? [];
  if (mean === undefined) throw new MhimError(`"${text}" is no number as the paper prints it.`, { code: 'data' });
  return {
    text,
    mean: Number(mean),
    ...(std === undefined ? {} : { std: Number(std) }),
    ...(gain === undefined ? {} : { gain: Number(`${sign}${gain}`) }),
  };
}
