/** What a terminal shows after this output: its rows, empty ones at the end left out. Knows what the tests need. */
export function rowsOf(output: string, columns = 80): string[] {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  const put = (character: string): void => {
    if (column === columns) {
      row++;
      column = 0;
    }
    while (rows.length <= row) rows.push('');
    const text = (rows[row] as string).padEnd(column);
    rows[row] = text.slice(0, column) + character + text.slice(column + 1);
    column++;
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a terminal is told by
  for (const [part, count, command] of output.matchAll(/\x1B\[\??(\d*)([A-Za-z])|\x1B[78]|[\s\S]/g)) {
    if (command === 'A') row = Math.max(0, row - Number(count || 1));
    else if (command === 'J') {
      rows[row] = (rows[row] ?? '').slice(0, column);
      rows.length = row + 1;
    } else if (command === 'K') rows[row] = (rows[row] ?? '').slice(0, column);
    else if (command === 'G') column = Number(count || 1) - 1;
    else if (part === '\r') column = 0;
    else if (part === '\n') {
      row++;
      column = 0;
      while (rows.length <= row) rows.push('');
    } else if (part.length === 1) put(part);
  }
  while (rows.at(-1) === '') rows.pop();
  return rows;
}
