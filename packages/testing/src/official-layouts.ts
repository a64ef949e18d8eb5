import { torchBias, torchWeight, type Initialiser } from '@mhim/tensor';
import type { OfficialArguments } from './adapters/official-config.js';

/*
 * PyTorch's own layers that `init` cases record beside the models: names and shapes as functions of the constructor's
 * arguments, and for each parameter the one of OUR initialisers that PyTorch's default calls for.
 */

export interface OfficialParameter {
  name: string;
  shape: number[];
  draw: Initialiser;
}

type Layout = (args: OfficialArguments) => OfficialParameter[];

/** By the name of the class. */
export const officialLayouts: Readonly<Record<string, Layout>> = {
  Conv1d: (args) => convolution(args, 1),
  Conv2d: (args) => convolution(args, 2),
};

function convolution(args: OfficialArguments, axes: number): OfficialParameter[] {
  const kernel = args.numbers('kernel_size', axes);
  const channels = args.number('in_channels', 1) / args.number('groups', 1);
  const shape = [args.number('out_channels', 1), channels, ...kernel];
  const weight = { name: 'weight', shape, draw: torchWeight };
  return args.flag('bias', true)
    ? [weight, { name: 'bias', shape: [shape[0] as number], draw: torchBias(shape) }]
    : [weight];
}
