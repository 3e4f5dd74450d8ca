/** A number as the page needs it: three digits tell enough. */
export const rounded = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(3)));
