export { heatmapFolder } from './server/heatmap-folder.js';
export { pageFolder } from './server/page-folder.js';
export { serveHeatmaps, type HeatmapServer, type ServeOptions } from './server/serve-heatmaps.js';
export { writeStaticPage } from './server/static-page.js';
