import type { BagView } from './report-data.js';
import { formatCount } from './text.js';
import type { Theme } from './theme.js';

/** What is known of an instance. */
export type LabelGroup = 'positive' | 'negative' | 'unknown';

/** The groups in drawing order: what matters most comes last, on top. */
export const LABEL_GROUPS: readonly LabelGroup[] = ['unknown', 'negative', 'positive'];

/** Classes of instances by name. */
export type InstanceClasses = NonNullable<BagView['instanceClasses']>;

export function labelGroup(label: number | null | undefined): LabelGroup {
  return label === 1 ? 'positive' : label === 0 ? 'negative' : 'unknown';
}

export function groupName(group: LabelGroup, classes?: InstanceClasses): string {
  return group === 'unknown' ? 'not labelled' : (classes?.[group] ?? group);
}

export function groupColour(group: LabelGroup, colours: Theme): string {
  return colours[group];
}

/** How many instances are in each group that occurs, e.g. for a legend. */
export function groupCounts(
  labels: ArrayLike<number | null>,
  classes?: InstanceClasses,
): { group: LabelGroup; count: number; text: string }[] {
  const counts = { positive: 0, negative: 0, unknown: 0 };
  for (let i = 0; i < labels.length; i++) counts[labelGroup(labels[i])]++;
  return [...LABEL_GROUPS]
    .reverse()
    .filter((group) => counts[group] > 0)
    .map((group) => ({
      group,
      count: counts[group],
      text: `${groupName(group, classes)} (${formatCount(counts[group])})`,
    }));
}
