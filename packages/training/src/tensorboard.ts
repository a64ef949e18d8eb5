import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isNative } from '@mhim/tensor';
import type { EpochRecord } from './fit.js';

interface SummaryWriter {
  scalar(name: string, value: number, step: number): void;
  flush(): void;
}

/**
 * Writes a run's epochs as TensorBoard event files, by tfjs-node's writer; without the native backend nothing is written.
 * The whole history is written at the end, so that a resumed run has one complete curve.
 */
export function writeTensorBoard(folder: string, history: readonly EpochRecord[]): boolean {
  if (!isNative()) return false;
  const tfjsNode = loadTfjsNode();
  if (!tfjsNode) return false;
  const writer = tfjsNode.node.summaryFileWriter(folder) as SummaryWriter;
  for (const { epoch, learningRate, loss, labelLoss, consistency, selection } of history) {
    writer.scalar('loss/total', loss, epoch);
    writer.scalar('loss/label', labelLoss, epoch);
    if (consistency !== undefined) writer.scalar('loss/consistency', consistency, epoch);
    writer.scalar('selection', selection, epoch);
    writer.scalar('learning rate', learningRate, epoch);
  }
  writer.flush();
  return true;
}

function loadTfjsNode(): { node: { summaryFileWriter(folder: string): unknown } } | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(from)('@tensorflow/tfjs-node-gpu') as {
        node: { summaryFileWriter(folder: string): unknown };
      };
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}
