export { RecycleNetwork, type RecycleNetworkConfig } from './recycle-network.js';
