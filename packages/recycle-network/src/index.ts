export { RecycleNetwork, type RecycleNetworkConfig } from './recycle-network.js';
export { standardisedAttention, type StandardisedAttentionOptions } from './standardised-attention.js';
