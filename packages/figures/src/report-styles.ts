import { themeVariables } from './theme.js';

/** The only style sheet of a report. */
export const REPORT_STYLES = `
:root{color-scheme:light dark;${themeVariables('light')};--page:#f5f7fa;--soft:#eef1f6;--good:#14653c;--warn:#9a3412;--warn-soft:#fdeee3;--good-soft:#e4f4eb}
@media (prefers-color-scheme:dark){:root{${themeVariables('dark')};--page:#0e131b;--soft:#1f2733;--good:#7dd8a3;--warn:#fdba74;--warn-soft:#3a2417;--good-soft:#143023}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--fig-ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 20px 56px}
header,section{background:var(--fig-surface);border:1px solid var(--fig-line);border-radius:12px;padding:20px 24px;margin:0 0 20px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 8px}
h2{font-size:1.25rem;line-height:1.3;margin:0 0 10px}
h3{font-size:1rem;margin:18px 0 4px}
h4{font-size:.95rem;margin:14px 0 2px}
h1,h2,h3,h4,p,dd,dt,figcaption,th,td{overflow-wrap:anywhere}
p{margin:4px 0 10px;max-width:80ch}
a{color:inherit}
.data-set{font-size:1.05rem}
.note,figcaption,.reasons,.definitions{color:var(--fig-muted);font-size:.875rem}
.warning{background:var(--warn-soft);color:var(--warn);border-radius:8px;padding:8px 12px;font-weight:600}
.badge{display:inline-block;border-radius:99px;padding:1px 9px;font-size:.75rem;font-weight:600;line-height:1.5;vertical-align:middle;background:var(--soft);color:var(--fig-ink)}
.badge.simulated{background:var(--warn);color:var(--fig-surface);text-transform:uppercase;letter-spacing:.03em}
.badge.optimistic{background:var(--warn-soft);color:var(--warn)}
.badge.real,.badge.honest{background:var(--good-soft);color:var(--good)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px 20px;margin:14px 0 0}
.facts dt{color:var(--fig-muted);font-size:.8rem}
.facts dd{margin:0;font-weight:600}
.definitions{display:grid;grid-template-columns:max-content 1fr;gap:3px 14px;margin:14px 0;max-width:100ch}
.definitions dt{font-weight:600;color:var(--fig-ink);max-width:12rem}
.definitions dd{margin:0}
.reasons{list-style:none;padding:0;margin:8px 0}
.scroll{overflow-x:auto;margin:6px 0}
table{border-collapse:collapse;font-size:.95rem;font-variant-numeric:tabular-nums}
.scroll>table{min-width:min(100%,640px)}
.scroll th[scope=row]{position:sticky;left:0;background:var(--fig-surface)}
.tight td.number .spread{display:block}
th,td{padding:6px 14px 6px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--fig-line);font-weight:400}
thead th{color:var(--fig-muted);font-size:.85rem;vertical-align:bottom}
tbody th{font-weight:600;min-width:7.5rem;overflow-wrap:break-word}
th.number,td.number{text-align:right;padding:6px 0 6px 14px;white-space:nowrap}
.words{min-width:8.5rem}
.folds th,.folds td{padding-top:2px;padding-bottom:2px;border-bottom:0;font-size:.875rem;font-weight:400}
.folds .first th,.folds .first td{border-top:1px solid var(--fig-line)}
.spread{color:var(--fig-muted);font-size:.9em}
.of-folds{display:block;color:var(--fig-muted);font-size:.8em}
.relation{display:block;color:var(--fig-muted);font-size:.85em;font-weight:400}
.best{font-weight:700}
.near{color:var(--fig-muted)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
details{margin:8px 0}
summary{cursor:pointer;color:var(--fig-muted);font-size:.9rem}
pre{background:var(--soft);border-radius:8px;padding:10px 12px;overflow-x:auto;font-size:.82rem;line-height:1.45;white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:22px 26px;margin:14px 0 4px;align-items:start}
figure{margin:0;min-width:0}
figure svg{display:block;width:100%;max-width:440px;height:auto}
figcaption{margin-top:4px;max-width:440px}
.models{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,500px),1fr));gap:6px 32px;align-items:start}
.models h4{margin-bottom:0}
.models .note{margin:0 0 6px}
.maps{display:grid;grid-template-columns:1fr 1fr;gap:8px 14px;align-items:start}
.maps.three{grid-template-columns:1fr 1fr 1fr}
.bag{border-top:1px solid var(--fig-line);margin-top:18px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:0 32px}
.columns th{color:var(--fig-muted);font-weight:400}
footer{color:var(--fig-muted);font-size:.85rem;padding:0 4px}
@media (max-width:640px){
thead th.number{white-space:normal;overflow-wrap:normal}
main{padding:10px 10px 40px}
header,section{padding:14px 14px;border-radius:10px;margin-bottom:12px}
h1{font-size:1.35rem}
.facts,.maps.three{grid-template-columns:1fr 1fr}
.definitions{grid-template-columns:1fr;gap:0}
.definitions dd{margin-bottom:6px}
table{width:100%}
.scroll>table{min-width:0}
td.number .spread{display:block}
th,td{padding-right:8px}
th.number,td.number{padding-left:6px}
.stacked,.stacked tbody,.stacked tr,.stacked th,.stacked td{display:block}
.stacked thead{display:none}
.stacked tr{border-bottom:1px solid var(--fig-line);padding:6px 0}
.stacked th,.stacked td,.stacked td.number{border:0;padding:1px 0;text-align:left;white-space:normal}
.stacked td::before{content:attr(data-label) ": ";color:var(--fig-muted)}
}
@media print{
body{background:#fff}
header,section{border:0;padding:0 0 12px}
figure,tr{break-inside:avoid}
}
`.replace(/\n/g, '');
