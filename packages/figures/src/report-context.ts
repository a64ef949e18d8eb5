import { markup, trusted, type Content, type Markup } from './markup.js';
import type { Protocol, ReportData } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { cleanText } from './text.js';

/** How much of the data a report draws; smaller settings make a smaller file. */
export interface ReportDetail {
  maxMarks: number;
  maxBags: number;
  maxTraining: number;
}

/** What the sections of a report share. */
export interface ReportContext {
  data: ReportData;
  detail: ReportDetail;
  figure: FigureOptions;
  isSimulated: boolean;
}

export function protocolOf({ data }: ReportContext, id: string | undefined): Protocol | undefined {
  return data.protocols.find((protocol) => protocol.id === id);
}

/** Stands wherever numbers of simulated data do. */
export function simulatedBadge({ isSimulated }: ReportContext): Content {
  return isSimulated && markup` <span class="badge simulated">simulated data</span>`;
}

export function protocolBadge(protocol: Protocol | undefined): Content {
  if (protocol === undefined) return null;
  return markup` <span class="badge ${protocol.optimistic ? 'optimistic' : 'honest'}"
    >${name(protocol.name)}${protocol.optimistic ? ' – optimistic' : ''}</span
  >`;
}

/** The badge of the protocol that all parts of a section have in common, for its heading; else each part has its own. */
export function protocolBadges<T extends { protocol?: string }>(
  context: ReportContext,
  parts: readonly T[],
): { heading: Content; of: (part: T) => Content } {
  const badge = ({ protocol }: T) => protocolBadge(protocolOf(context, protocol));
  const [first] = parts;
  const isShared = parts.length > 1 && parts.every(({ protocol }) => protocol === first?.protocol);
  return { heading: isShared && first && badge(first), of: (part) => !isShared && badge(part) };
}

export function figureMarkup(svgs: string, caption?: Content): Markup {
  return markup`<figure>
    ${trusted(svgs)} ${caption !== undefined && markup`<figcaption>${caption}</figcaption>`}
  </figure>`;
}

/** A name from the data, cut to a length that leaves the page readable. */
export function name(text: unknown): string {
  return cleanText(text, 160);
}

/** A sentence or paragraph from the data. */
export function prose(text: unknown): string {
  return cleanText(text, 6000);
}

/** Paragraphs at empty lines. */
export function paragraphs(text: string): Content {
  return prose(text)
    .split(/\n\s*\n/)
    .map((paragraph) => markup`<p>${paragraph}</p>`);
}
