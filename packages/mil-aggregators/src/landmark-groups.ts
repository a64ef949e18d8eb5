/**
 * How the tokens of a bag fall into the groups whose means are Nyström attention's landmarks. The sequence is thought to start
 * with zero tokens up to a multiple of the landmarks; where they fill whole groups, one landmark can stand for all of these.
 */
export interface LandmarkGroups {
  /** Landmarks that are computed. */
  count: number;
  /** Tokens of one group. */
  size: number;
  /** Zero tokens in front of the others in these groups. */
  front: number;
  /** How many landmarks of zeros the first one stands for; 1 where it is one like the others. */
  equalLandmarks: number;
  /** Zero tokens that are attended to, and how many the first of them stands for. */
  zeroKeys: number;
  equalKeys: number;
}

/**
 * @param n tokens
 * @param landmarks of the full sequence
 */
export function landmarkGroups(n: number, landmarks: number): LandmarkGroups {
  const front = (landmarks - (n % landmarks)) % landmarks;
  const size = (n + front) / landmarks;
  const empty = Math.floor(front / size);
  // Below an eighth of them, telling the equal ones apart costs more than they do.
  if (8 * empty < landmarks) {
    return { count: landmarks, size, front, equalLandmarks: 1, zeroKeys: front, equalKeys: 1 };
  }
  const merged = empty - 1;
  return {
    count: landmarks - merged,
    size,
    front: front - merged * size,
    equalLandmarks: empty,
    zeroKeys: 1,
    equalKeys: front,
  };
}
