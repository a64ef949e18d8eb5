/** What a column of a label table holds. `censorship` is the opposite of `status`, `slides` names all of a case's. */
export type LabelColumn =
  'id' | 'slide' | 'slides' | 'case' | 'label' | 'split' | 'time' | 'event' | 'status' | 'censorship' | 'study';

/** Names that a column is recognised by: lower case, letters and digits only, the preferred name first. */
const NAMES: Record<LabelColumn, readonly string[]> = {
  id: ['id', 'bagid', 'bag', 'name'],
  slide: ['slideid', 'slide', 'slidename', 'imageid', 'image', 'filename', 'file', 'wsi'],
  slides: ['slides'],
  case: ['caseid', 'case', 'patientid', 'patient', 'submitterid', 'pid'],
  label: ['label', 'labels', 'class', 'target', 'diagnosis', 'subtype'],
  split: ['split', 'officialsplit', 'subset', 'partition'],
  time: [
    ...['eventtimemonths', 'eventtime', 'survivalmonths', 'survivaltime', 'survivaldays', 'osmonths', 'ostime'],
    ...['time', 'months', 'days', 'futime'],
  ],
  event: ['event'],
  status: ['status', 'vitalstatus', 'osstatus', 'fustat'],
  censorship: ['censorship', 'censored', 'censor'],
  study: ['study'],
};

/** Columns of a table by what they hold: position from 0. */
export type ColumnPositions = Partial<Record<LabelColumn, number>>;

/** What the cells of a first row would name, were it a header. */
export function columnsNamed(cells: readonly string[]): ColumnPositions {
  const plain = cells.map(plainName);
  const found: ColumnPositions = {};
  for (const [column, names] of Object.entries(NAMES) as [LabelColumn, readonly string[]][]) {
    const name = names.find((candidate) => plain.includes(candidate));
    if (name !== undefined) found[column] = plain.indexOf(name);
  }
  // In the official survival tables ID names the row and WSI lists the files of all its slides.
  const { slide, ...others } = found;
  const lists = found.id !== undefined && plain[slide ?? -1] === 'wsi';
  return resolveEvent(lists ? { ...others, slides: slide } : found);
}

export function isColumnName(cell: string): boolean {
  return Object.values(NAMES).some((names) => names.includes(plainName(cell)));
}

/** The official header-less lists: 2 columns ID, label; CLAM's 3; 4 as the official code names them; 5 for survival. */
export function columnsByCount(count: number): ColumnPositions | undefined {
  const layouts: Record<number, ColumnPositions> = {
    2: { id: 0, label: 1 },
    3: { case: 0, slide: 1, label: 2 },
    4: { case: 0, slide: 1, label: 2, split: 3 },
    5: { study: 0, id: 1, time: 2, status: 3 },
  };
  return layouts[count];
}

/** The official survival tables call the time `Event` and the event `Status`; others call the event `event`. */
function resolveEvent({ event, ...found }: ColumnPositions): ColumnPositions {
  if (event === undefined) return found;
  const isTime = found.time === undefined && (found.status !== undefined || found.censorship !== undefined);
  if (isTime) return { ...found, time: event };
  return found.status === undefined ? { ...found, status: event } : found;
}

function plainName(cell: string): string {
  return cell.toLowerCase().replace(/[^a-z0-9]/g, '');
}
