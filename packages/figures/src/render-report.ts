import { createHash } from 'node:crypto';
import { checkReportData } from './check-report-data.js';
import {
  precisionRecallSection,
  rocSection,
  survivalSection,
  sweepSection,
  trainingSection,
} from './curve-sections.js';
import { costSection } from './cost-section.js';
import { markup, trusted } from './markup.js';
import { instanceSection } from './instance-section.js';
import type { ReportContext, ReportDetail } from './report-context.js';
import { name } from './report-context.js';
import type { ReportData } from './report-data.js';
import { REPORT_STYLES } from './report-styles.js';
import { publishedSection } from './published-section.js';
import { resultsSection } from './results-section.js';
import { significanceSection } from './significance-section.js';
import { headerSection, notesSection, runSection } from './run-section.js';

/**
 * The report as one HTML page: no script, no request to anywhere, a content security policy that forbids both. The same data gives the same
 * bytes. Kept below 3 MB by drawing fewer marks, bags and curves where there are very many; captions say so.
 * @throws FigureError `data` where parts of the data contradict each other, naming the field
 */
export function renderReport(data: ReportData): string {
  checkReportData(data);
  let page = '';
  for (const detail of DETAILS) {
    page = renderPage(data, detail);
    if (Buffer.byteLength(page) <= MOST_BYTES) break;
  }
  return page;
}

const MOST_BYTES = 3_000_000;

const DETAILS: readonly ReportDetail[] = [
  { maxMarks: 12_000, maxBags: 12, maxTraining: 36 },
  { maxMarks: 6000, maxBags: 12, maxTraining: 36 },
  { maxMarks: 2500, maxBags: 12, maxTraining: 24 },
  { maxMarks: 800, maxBags: 4, maxTraining: 6 },
];

function renderPage(data: ReportData, detail: ReportDetail): string {
  const isSimulated = data.dataSet.origin !== 'real';
  const context: ReportContext = { data, detail, isSimulated, figure: { theme: 'css', simulated: isSimulated } };
  // In one piece: the policy's hash is of every byte between the tags.
  const style = trusted(`<style>${REPORT_STYLES}</style>`);
  const styleHash = createHash('sha256').update(REPORT_STYLES).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`;
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${isSimulated && '[simulated] '}${name(data.title)}</title>
        ${style}
      </head>
      <body>
        <main>
          ${headerSection(context)} ${publishedSection(context)} ${sweepSection(context)} ${resultsSection(context)}
          ${significanceSection(context)} ${survivalSection(context)} ${rocSection(context)} ${precisionRecallSection(context)}
          ${trainingSection(context)} ${instanceSection(context)} ${costSection(context)} ${notesSection(context)} ${runSection(context)}
          <footer>Made with MHIM. For research only, not for diagnosis.</footer>
        </main>
      </body>
    </html>`;
  return page.text;
}
