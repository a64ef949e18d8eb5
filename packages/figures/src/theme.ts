/**
 * Colours of a figure: `light` and `dark` are plain colours that every SVG program knows; `css` are variables that the page sets
 * (see {@link themeVariables}), so that a figure inside a page follows its reader's light or dark setting.
 */
export type ThemeName = 'light' | 'dark' | 'css';

export interface Theme {
  ink: string;
  muted: string;
  line: string;
  surface: string;
  /** Known positive, known negative and unknown instances. */
  positive: string;
  negative: string;
  unknown: string;
  simulated: string;
  series: readonly string[];
}

const LIGHT: Theme = {
  ink: '#1b2330',
  muted: '#566173',
  line: '#d9dee6',
  surface: '#ffffff',
  positive: '#c2410c',
  negative: '#8fa3bd',
  unknown: '#c9cdd3',
  simulated: '#9a3412',
  series: ['#1f62ab', '#b8560f', '#157f4b', '#7c3fb0', '#0d7f8c', '#be1f5c', '#7d6b00', '#5a6472'],
};

const DARK: Theme = {
  ink: '#e8ecf2',
  muted: '#a4afbf',
  line: '#364152',
  surface: '#161c26',
  positive: '#ff8a4c',
  negative: '#6d83a3',
  unknown: '#454e5c',
  simulated: '#fdba74',
  series: ['#78b2f2', '#f3a461', '#69cf95', '#c8a2f0', '#5acad6', '#f48fb6', '#d8c655', '#b3bcc9'],
};

export function theme(name: ThemeName = 'light'): Theme {
  return name === 'light' ? LIGHT : name === 'dark' ? DARK : CSS;
}

/** The declarations that a page needs for figures of theme `css`. */
export function themeVariables(name: 'light' | 'dark'): string {
  const { series, ...colours } = theme(name);
  const entries = [...Object.entries(colours), ...series.map((colour, i) => [`series-${i}`, colour])];
  return entries.map(([key, colour]) => `--fig-${key}:${colour}`).join(';');
}

export function seriesColour({ series }: Theme, index: number): string {
  return series[index % series.length] as string;
}

const CSS: Theme = {
  ink: 'var(--fig-ink)',
  muted: 'var(--fig-muted)',
  line: 'var(--fig-line)',
  surface: 'var(--fig-surface)',
  positive: 'var(--fig-positive)',
  negative: 'var(--fig-negative)',
  unknown: 'var(--fig-unknown)',
  simulated: 'var(--fig-simulated)',
  series: LIGHT.series.map((_, i) => `var(--fig-series-${i})`),
};
