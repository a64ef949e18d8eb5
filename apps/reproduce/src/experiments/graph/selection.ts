import { cellSpec, type Column, type Row } from '../experiment.js';

/**
 * Whether `--only` takes a cell in. Each option lists alternatives between commas and all options must agree. A name is a group, a
 * label or a heading as the table shows it, a data set, an extractor or a model; `*` stands for any letters.
 */
export function selected(row: Row, column: Column, only: readonly string[] = []): boolean {
  const { set, extractor, model, base, test } = cellSpec(row, column);
  const names = [row.group, row.label, ...column.header, set, extractor, model ?? base, test].flatMap(
    (name) => name?.toLowerCase() ?? [],
  );
  return only.every((option) =>
    option
      .split(',')
      .map((name) => pattern(name.trim()))
      .some((wanted) => names.some((name) => wanted.test(name))),
  );
}

function pattern(name: string): RegExp {
  const parts = name.toLowerCase().split('*');
  return new RegExp(`^${parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
}
