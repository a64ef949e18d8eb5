import { MhimError } from '../errors.js';
import { writeFileAtomic } from './atomic-write.js';
import type { HostDtype, HostTensor } from './host-tensor.js';
import { encodeElements } from './safetensors.js';
import { storedZip, type StoredEntry } from './stored-zip.js';

/**
 * Writes what `torch.load` reads, `weights_only` too: one tensor, or tensors by name. Atomic; the same input gives the same bytes.
 * @throws MhimError `shape` when a tensor's data and shape disagree
 */
export function writeTorchFile(path: string, content: HostTensor | ReadonlyMap<string, HostTensor>): void {
  const storages: StoredEntry[] = [];
  const pickle: Buffer[] = [Buffer.from('\x80\x02', 'latin1')];
  const add = (name: string, tensor: HostTensor) => {
    pickle.push(...pickledTensor(tensor, String(storages.length), path));
    storages.push({ name: `archive/data/${storages.length}`, bytes: encodeElements(name, tensor) });
  };
  if (content instanceof Map) {
    pickle.push(Buffer.from('}('));
    for (const [name, tensor] of content as ReadonlyMap<string, HostTensor>) {
      pickle.push(text(name));
      add(name, tensor);
    }
    pickle.push(Buffer.from('u'));
  } else add('tensor', content as HostTensor);
  pickle.push(Buffer.from('.'));
  const entries: StoredEntry[] = [
    { name: 'archive/data.pkl', bytes: Buffer.concat(pickle) },
    { name: 'archive/byteorder', bytes: Buffer.from('little') },
    ...storages,
    { name: 'archive/version', bytes: Buffer.from('3\n') },
  ];
  writeFileAtomic(path, storedZip(entries, path));
}

const storageNames: Partial<Record<HostDtype, string>> = {
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  F16: 'HalfStorage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  I16: 'ShortStorage',
  I8: 'CharStorage',
  U8: 'ByteStorage',
  BOOL: 'BoolStorage',
};

/** `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())` in pickle's opcodes. */
function pickledTensor({ dtype, shape, data }: HostTensor, key: string, path: string): Buffer[] {
  const storage = storageNames[dtype];
  if (!storage) {
    throw new MhimError(`PyTorch files of ${dtype} are not written.`, { code: 'file-format', path });
  }
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return [
    Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n(('),
    text('storage'),
    Buffer.from(`ctorch\n${storage}\n`),
    text(key),
    text('cpu'),
    integer(data.length),
    Buffer.from('tQ'),
    integer(0),
    ...[shape, strides].flatMap((sizes) => [Buffer.from('('), ...sizes.map(integer), Buffer.from('t')]),
    Buffer.from('\x89ccollections\nOrderedDict\n)RtR', 'latin1'),
  ];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.from('X\0\0\0\0');
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** As an eight-byte long; Python does not mind. */
function integer(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.write('\x8a\x08', 'latin1');
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}
