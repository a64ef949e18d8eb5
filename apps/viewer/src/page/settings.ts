import type { Normalisation } from '@mhim/figures/heat-view';

export type LayerName = 'slide' | 'attention' | 'score' | 'outlines' | 'top';

export interface Layer {
  shown: boolean;
  /** From 0 to 1. */
  opacity: number;
}

/** What all panes show alike. */
export interface Settings {
  layers: Record<LayerName, Layer>;
  attentionStyle: 'brightness' | 'scale';
  normalisation: Normalisation;
}

export const settingsDefaults: Settings = {
  layers: {
    slide: { shown: true, opacity: 1 },
    attention: { shown: true, opacity: 0.9 },
    score: { shown: true, opacity: 0.9 },
    outlines: { shown: true, opacity: 1 },
    top: { shown: false, opacity: 1 },
  },
  attentionStyle: 'brightness',
  normalisation: 'rank',
};

/** The choices that belong into the address, so that a view can be bookmarked. */
export interface Place {
  slide?: string;
  models?: string[];
}

export function readPlace(hash: string): Place {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  return {
    slide: parameters.get('slide') ?? undefined,
    models: parameters.get('models')?.split(',').filter(Boolean),
  };
}

export function placeHash({ slide = '', models = [] }: Place): string {
  return `#${new URLSearchParams({ slide, models: models.join(',') }).toString()}`;
}
