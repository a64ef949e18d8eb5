import { escapeText } from './text.js';

/** Markup that is safe to put into a page as it is. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/** Markup from a template; every inserted string is escaped, so only {@link Markup} can be markup. */
export function markup(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, string, i) => `${text}${markupOf(contents[i - 1])}${string}`));
}

/** For markup that this package made itself, such as its SVG figures. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function markupOf(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(markupOf).join('');
  return escapeText(String(content));
}
