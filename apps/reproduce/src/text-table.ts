/** Columns padded to equal width; the first left-aligned as are all that hold text, numbers to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const numeric = Array.from({ length: columns }, (_, i) => rows.slice(1).every((row) => isNumber(row[i] ?? '')));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function isNumber(cell: string): boolean {
  return cell === '' || /^[-+.\d]/.test(cell);
}
