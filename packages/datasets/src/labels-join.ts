import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import type { LabelRow } from './label-row.js';
import type { LabelTable } from './labels.js';

export interface LabelBagsOptions {
  /** Bags that the table does not name. Default `error`. */
  unlabelledBags?: 'error' | 'drop';
  /** Rows whose slide or case has no bag. Default `error`. */
  unusedRows?: 'error' | 'ignore';
}

export interface LabelledBag {
  /** Place in `bags`. */
  readonly index: number;
  readonly info: BagInfo;
}

/**
 * Gives bags their labels, outcomes, cases and splits. A row belongs to the bag of its name; a row that stands for a
 * case belongs to all bags of that case, which are those with its `caseId` and those whose name begins with it
 * (`TCGA-05-4244` and `TCGA-05-4244-01Z-00-DX1`, but not `TCGA-05-42441`).
 * @throws MhimError `data`: bags without label, rows without bag, or a bag that two rows claim
 */
export function labelBags(
  bags: readonly BagInfo[],
  table: LabelTable,
  { unlabelledBags = 'error', unusedRows = 'error' }: LabelBagsOptions = {},
): LabelledBag[] {
  const byId = new Map(table.rows.map((row) => [row.id, row]));
  const used = new Set<LabelRow>();
  const labelled: LabelledBag[] = [];
  const unlabelled: string[] = [];
  bags.forEach((bag, index) => {
    const row = rowOf(bag, byId, table);
    if (row) {
      used.add(row);
      labelled.push({ index, info: merge(bag, row, table) });
    } else {
      unlabelled.push(bag.id);
    }
  });
  if (unlabelled.length > 0 && unlabelledBags === 'error') {
    throw joinError(table, `no label for ${some(unlabelled, 'bag')}.`, 'Add rows for them or drop unlabelled bags.');
  }
  const unused = table.rows.filter((row) => !used.has(row)).map(({ id }) => id);
  if (unused.length > 0 && unusedRows === 'error') {
    throw joinError(table, `no bag for ${some(unused, 'row')}.`, 'Extract their features or ignore unused rows.');
  }
  return labelled;
}

function rowOf(bag: BagInfo, rows: ReadonlyMap<string, LabelRow>, table: LabelTable): LabelRow | undefined {
  const exact = rows.get(bag.id);
  if (exact) return exact;
  if (table.unit === 'slide') return undefined;
  const ofCase = bag.caseId === undefined ? undefined : rows.get(bag.caseId);
  if (ofCase) return ofCase;
  const claims = prefixes(bag.id).flatMap((prefix) => rows.get(prefix) ?? []);
  if (claims.length > 1) {
    const names = claims.map(({ id, line }) => `"${id}" (line ${line})`).join(' and ');
    throw joinError(table, `bag "${bag.id}" fits the rows ${names}.`, 'List slides instead of cases.');
  }
  return claims[0];
}

/** The beginnings of a name that end before a sign that is no letter and no digit. */
function prefixes(id: string): string[] {
  return [...id.matchAll(/[^a-z0-9]/gi)].map(({ index }) => id.slice(0, index)).filter((prefix) => prefix !== '');
}

function merge(bag: BagInfo, row: LabelRow, table: LabelTable): BagInfo {
  const caseId = row.caseId ?? (table.unit === 'case' || row.id !== bag.id ? row.id : bag.caseId);
  return {
    ...bag,
    ...(caseId !== undefined && { caseId }),
    ...(row.label !== undefined && { label: row.label }),
    ...(row.time !== undefined && { time: row.time, event: row.event }),
    ...(row.split !== undefined && { split: row.split }),
  };
}

function some(ids: readonly string[], what: string): string {
  const shown = ids.slice(0, 3).map((id) => `"${id}"`);
  const more = ids.length > shown.length ? ', …' : '';
  return `${ids.length} ${what}${ids.length === 1 ? '' : 's'} (${shown.join(', ')}${more})`;
}

function joinError({ path }: LabelTable, what: string, hint: string): MhimError {
  return new MhimError(what, { code: 'data', path, hint });
}
