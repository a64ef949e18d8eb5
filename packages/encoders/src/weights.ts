import {
  MhimError,
  openForReading,
  readExactly,
  readTorchTensors,
  SafetensorsFile,
  type HostTensor,
  type LoadReport,
  type Module,
  type StateSource,
} from '@mhim/tensor';

/** How the published checkpoints of a network look. */
export interface CheckpointLayout {
  /** As people call the network. */
  readonly title: string;
  /** A tensor of ours that tells where the network begins: what stands before its name is the prefix of all. */
  readonly anchor: string;
  /** Names behind the prefix of parts that are not used, such as a text tower or a classifier. */
  readonly unused?: RegExp;
}

/**
 * Loads a network's weights by name from a safetensors or PyTorch file. Every tensor of the network has to be there in its
 * shape; a prefix (`model.`, `state_dict.`, `module.` …) is found by itself.
 * @throws MhimError `state-dict` naming what does not fit, `file-missing`, `file-format`, `unsafe-file`
 */
export async function loadWeights(network: Module, path: string, layout: CheckpointLayout): Promise<void> {
  const tensors = await readNetworkTensors(path, layout);
  const source: StateSource = {};
  for (const [name, { shape }] of tensors) {
    source[name] = {
      shape,
      // Given away as it is read, so that a large network is in memory once and not twice.
      get data() {
        const { data } = tensors.get(name) as HostTensor;
        tensors.delete(name);
        return data;
      },
    };
  }
  const report = network.loadStateDict(source, { strict: false });
  const objections = objectionsOf(report);
  if (objections.length === 0) return;
  throw new MhimError(`these are not the weights of ${layout.title}: ${objections.join('; ')}.`, {
    code: 'state-dict',
    path,
    hint: 'Name the checkpoint as it was published, or one saved with the same names.',
  });
}

/** The file's tensors that belong to the network, by its own names. */
async function readNetworkTensors(path: string, layout: CheckpointLayout): Promise<Map<string, HostTensor>> {
  if (await isTorchFile(path)) {
    const all = await readTorchTensors(path);
    const ours = ownNames([...all.keys()], path, layout);
    return new Map([...ours].map(([name, full]) => [name, all.get(full) as HostTensor]));
  }
  const file = await SafetensorsFile.open(path);
  try {
    const tensors = new Map<string, HostTensor>();
    for (const [name, full] of ownNames([...file.entries.keys()], path, layout)) {
      tensors.set(name, await file.read(full));
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** PyTorch writes zip files and, before 1.6, pickles. */
async function isTorchFile(path: string): Promise<boolean> {
  const handle = await openForReading(path);
  try {
    const { size } = await handle.stat();
    const start = await readExactly(handle, 0, Math.min(size, 2), path);
    return (start[0] === 0x50 && start[1] === 0x4b) || (start[0] === 0x80 && start[1] === 2);
  } finally {
    await handle.close();
  }
}

/** Our names → the file's. */
function ownNames(names: string[], path: string, { title, anchor, unused }: CheckpointLayout): Map<string, string> {
  const prefixes = names.flatMap((name) =>
    name === anchor || name.endsWith(`.${anchor}`) ? [name.slice(0, name.length - anchor.length)] : [],
  );
  const [prefix] = prefixes.sort((a, b) => a.length - b.length);
  if (prefix === undefined) {
    throw new MhimError(`these are not the weights of ${title}: there is no tensor "${anchor}".`, {
      code: 'state-dict',
      path,
      hint: names.length === 0 ? 'The file holds no tensors.' : `It has: ${list(names)}.`,
    });
  }
  const ours = new Map<string, string>();
  for (const full of names) {
    const name = full.slice(prefix.length);
    if (full.startsWith(prefix) && !unused?.test(name)) ours.set(name, full);
  }
  return ours;
}

function objectionsOf({ missing, unexpected, misshaped }: LoadReport): string[] {
  const shapes = misshaped.map(({ key, expected, found }) => `${key} [${found}] instead of [${expected}]`);
  return [
    ...(missing.length > 0 ? [`missing are ${list(missing)}`] : []),
    ...(unexpected.length > 0 ? [`unknown are ${list(unexpected)}`] : []),
    ...(shapes.length > 0 ? [`of another shape are ${list(shapes)}`] : []),
  ];
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
