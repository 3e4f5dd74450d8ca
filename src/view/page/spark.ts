/** The path of a line over values that lie side by side, in a box of this size. */
export function linePath(values: readonly (number | null)[], most: number, width: number, height: number): string {
  const step = width / Math.max(1, values.length - 1);
  let path = '';
  let isDown = false;
  for (const [at, value] of values.entries()) {
    if (value === null) {
      isDown = false;
      continue;
    }
    const y = height - (Math.min(value, most) / most) * height;
    path += `${isDown ? 'L' : 'M'}${(at * step).toFixed(1)} ${y.toFixed(1)}`;
    // A value that stands alone is a dot.
    if (!isDown && (values[at + 1] ?? null) === null) path += 'h.01';
    isDown = true;
  }
  return path;
}

/** The path of the area beneath such a line, from the first value on that there is; later gaps lie at 0. */
export function areaPath(values: readonly (number | null)[], most: number, width: number, height: number): string {
  const first = values.findIndex((value) => value !== null);
  if (first === -1) return '';
  const start = (first * width) / Math.max(1, values.length - 1);
  const filled = values.map((value, at) => (at < first ? null : (value ?? 0)));
  return `${linePath(filled, most, width, height)}L${width.toFixed(1)} ${height}L${start.toFixed(1)} ${height}Z`;
}
