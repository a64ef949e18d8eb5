import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FigureError } from './errors.js';
import { renderReport } from './render-report.js';
import type { ReportData } from './report-data.js';

/**
 * Renders the report and writes it whole or not at all: an interrupted run leaves the former file. Makes the folder where it is missing.
 * @throws FigureError `data` as {@link renderReport}; `file` when the report cannot be written
 */
export async function writeReport(path: string, data: ReportData): Promise<void> {
  const page = renderReport(data);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(page);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new FigureError(`the report cannot be written (${error instanceof Error ? error.message : String(error)}).`, {
      code: 'file',
      path,
      hint: 'Is the folder writable, and is there space on the disk?',
      cause: error,
    });
  }
}
