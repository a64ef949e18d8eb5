import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isNative } from '@mhim/tensor';
import type { FitObserver } from './fit-observer.js';

interface SummaryWriter {
  scalar(name: string, value: number, step: number): void;
  flush(): void;
}

/**
 * Writes a run's epochs into TensorBoard event files, by tfjs-node's writer; without the native backend nothing is written.
 * A resumed run adds a file; points that both files hold are the same.
 */
export function tensorBoard(folder: string): FitObserver | undefined {
  const tfjsNode = isNative() ? loadTfjsNode() : undefined;
  if (!tfjsNode) return undefined;
  let writer: SummaryWriter | undefined;
  return {
    onEpoch({ epoch, learningRate, loss, labelLoss, consistency, selection }) {
      writer ??= tfjsNode.node.summaryFileWriter(folder);
      writer.scalar('loss/total', loss, epoch);
      writer.scalar('loss/label', labelLoss, epoch);
      if (consistency !== undefined) writer.scalar('loss/consistency', consistency, epoch);
      writer.scalar('selection', selection, epoch);
      writer.scalar('learning rate', learningRate, epoch);
      writer.flush();
    },
  };
}

interface TfjsNode {
  node: { summaryFileWriter(folder: string): SummaryWriter };
}

function loadTfjsNode(): TfjsNode | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(from)('@tensorflow/tfjs-node-gpu') as TfjsNode;
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}
