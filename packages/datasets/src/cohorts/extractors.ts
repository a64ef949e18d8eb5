/** An encoder of patches, as folders of features are named after it. */
export interface Extractor {
  readonly title: string;
  /** Columns of its features. */
  readonly width: number;
  /** Tells a folder's name, in lower case. */
  readonly folder: RegExp;
}

/**
 * Encoders by the names that CLAM, TRIDENT and the authors' release give their folders (`r50`, `features_uni_v1` …): the paper's three
 * first, then those that must not be taken for one of them.
 */
export const EXTRACTORS = {
  'resnet-50': {
    title: 'ResNet-50 (ImageNet, cut after stage 3)',
    width: 1024,
    folder: named('r50|resnet_?50|resnet|res50'),
  },
  plip: { title: 'PLIP', width: 512, folder: named('plip') },
  uni: { title: 'UNI', width: 1024, folder: named('uni(?:[_-]?v?1)?(?![_-]?v?2)') },
  'uni-2': { title: 'UNI2-h', width: 1536, folder: named('uni[_-]?v?2(?:[_-]?h)?') },
  chief: { title: 'CHIEF', width: 768, folder: named('chief|ctranspath') },
  gigapath: { title: 'Prov-GigaPath', width: 1536, folder: named('gigap(?:ath)?') },
  conch: { title: 'CONCH', width: 512, folder: named('conch(?:[_-]?v1)?(?![_-]?v?15)') },
  'conch-1.5': { title: 'CONCH 1.5', width: 768, folder: named('conch[_-]?v?15') },
  phikon: { title: 'Phikon', width: 768, folder: named('phikon') },
  virchow: { title: 'Virchow', width: 2560, folder: named('virchow2?') },
  'h-optimus': { title: 'H-optimus', width: 1536, folder: named('h?[_-]?optimus.*') },
} as const satisfies Record<string, Extractor>;

export type ExtractorName = keyof typeof EXTRACTORS;

/** The encoder that a folder is named after. */
export function extractorOf(folder: string): ExtractorName | undefined {
  const name = folder.toLowerCase();
  return (Object.keys(EXTRACTORS) as ExtractorName[]).find((key) => EXTRACTORS[key].folder.test(name));
}

/** A word of a name whose words are parted by signs: `features_uni_v1`, `brca-r50`. */
function named(words: string): RegExp {
  return new RegExp(`(?:^|[^a-z0-9])(?:${words})(?![a-z0-9])`);
}
