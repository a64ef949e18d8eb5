/** More classes than any set of slides has. A larger number is an id or a slip, and models and tables are made as long as it. */
export const MAX_CLASSES = 1000;

/** Whether a number can be a class's. */
export function isClassNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < MAX_CLASSES;
}
