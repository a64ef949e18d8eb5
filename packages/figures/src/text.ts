import type { Measured } from './report-data.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML and XML, elements and attributes alike. */
export function escapeText(text: string): string {
  return cleanText(text).replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}

/**
 * Without what XML cannot hold (control characters, lone surrogates) and what shows a name as another one (bidirectional overrides),
 * each replaced by U+FFFD, and cut to `limit` characters.
 */
export function cleanText(text: unknown, limit = Infinity): string {
  const characters = String(text).replace(UNWANTED, '\ufffd');
  const points = characters.length > limit ? [...characters] : [];
  return points.length > limit ? `${points.slice(0, limit - 1).join('')}…` : characters;
}

/** As {@link cleanText}, on one line, for labels of figures. */
export function labelText(text: unknown, limit = 60): string {
  return cleanText(String(text).replace(/\s+/g, ' '), limit);
}

/** A metric to three decimals, `–` where there is none. */
export function formatValue(value: number | null | undefined): string {
  if (!isNumber(value)) return '–';
  const text = value.toFixed(3);
  return text === '-0.000' ? '0.000' : text.replace('-', '−');
}

/** A number of any size: three digits, or all before the point. */
export function formatAny(value: number | null | undefined): string {
  if (!isNumber(value)) return '–';
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumSignificantDigits: 9 }).replace('-', '−');
}

/** A p value: `p = 0.012`, `p < 0.001`, `p –`. */
export function formatP(p: number | null | undefined): string {
  if (!isNumber(p)) return 'p –';
  return p < 0.001 ? 'p < 0.001' : `p = ${formatValue(p)}`;
}

export function formatCount(count: number): string {
  return Number.isFinite(count) ? count.toLocaleString('en-US') : '–';
}

/** E.g. `2 h 5 min`, `3 min 12 s`, `4.2 s`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** The value where it can be shown. */
export function valueOf(measured: Measured | undefined): number | null {
  return measured !== undefined && isNumber(measured.value) ? measured.value : null;
}

/** Why there is no value, for a footnote. */
export function reasonOf(measured: Measured | undefined): string {
  if (measured === undefined) return 'not measured';
  if (measured.reason) return measured.reason;
  return measured.value === null || measured.value === undefined
    ? 'no value was given'
    : `the value is ${String(measured.value)}, not a finite number`;
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

const UNWANTED = /(?![\t\n\r])[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;
