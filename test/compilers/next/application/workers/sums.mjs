export function sum(to) {
  let total = 0;
  for (let each = 1; each <= to; each++) total += each;
  return total;
}
