import { library } from '../../tsup.base.js';

export default library({
  entry: { index: 'src/index.ts', heatmap: 'src/heatmap/index.ts', 'heat-view': 'src/heat-view/index.ts' },
});
