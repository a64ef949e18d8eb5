import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { MhimError } from '@mhim/tensor';

export interface CsvRecord {
  readonly cells: readonly string[];
  /** Line in the file, from 1. */
  readonly line: number;
}

/** @throws MhimError `file-missing` */
export async function readTableText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new MhimError('the label table cannot be read.', {
      code: 'file-missing',
      path,
      hint: 'Check the path and its permissions.',
      cause,
    });
  }
}

/**
 * The rows of a CSV text (comma, tab or semicolon, as its first line has it), cells trimmed, empty rows left out.
 * @throws MhimError `file-format` for what is no CSV in UTF-8, `data` for a row with more or fewer cells than the first
 */
export function csvRecords(text: string, path: string): CsvRecord[] {
  if (text.includes('\0') || text.includes('\ufffd')) {
    throw new MhimError('this is no UTF-8 text.', {
      code: 'file-format',
      path,
      hint: 'Save the table as CSV in UTF-8.',
    });
  }
  const records = parseRecords(text, path);
  const width = records[0]?.cells.length ?? 0;
  const ragged = records.find(({ cells }) => cells.length !== width);
  if (ragged) {
    throw new MhimError(
      `line ${ragged.line} has ${ragged.cells.length} columns, line ${records[0]?.line} has ${width}.`,
      { code: 'data', path, hint: 'Give every row the same columns; quote values that hold a comma.' },
    );
  }
  return records;
}

function parseRecords(text: string, path: string): CsvRecord[] {
  const firstLine = text.split('\n', 1)[0] as string;
  const delimiter = [',', '\t', ';'].find((sign) => firstLine.includes(sign)) ?? ',';
  try {
    const parsed = parse(text, {
      bom: true,
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return parsed
      .map(({ record, info }) => ({ cells: record, line: info.lines }))
      .filter(({ cells }) => cells.some((cell) => cell !== ''));
  } catch (cause) {
    throw new MhimError(`no valid CSV: ${(cause as Error).message}.`, {
      code: 'file-format',
      path,
      hint: 'Look for an unclosed quote.',
      cause,
    });
  }
}
