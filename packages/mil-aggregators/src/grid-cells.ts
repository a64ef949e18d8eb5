import * as tf from '@tensorflow/tfjs';
import { differentiable, MhimError } from '@mhim/tensor';
import type { Positions } from './aggregator.js';
import type { GridSize } from './scan-2d.js';

/** Which cell of a grid holds which instance. */
export interface GridCells extends GridSize {
  /** The cell of each instance, [n]. */
  cellOf: Int32Array;
  /** The instance of each cell, [height · width]; n, one more than the last, where there is none. */
  instanceIn: Int32Array;
  /** Whether several instances lie in one cell. The last of them fills it, as in the official code. */
  crowded: boolean;
}

/**
 * Puts n instances on their grid.
 * @throws MhimError `shape` when there are more or fewer positions than instances, or when one lies outside the grid
 */
export function gridCells({ xy, width, height }: Positions, instances: number): GridCells {
  if (xy.length !== 2 * instances) {
    throw new MhimError(`there are ${xy.length / 2} positions for ${instances} instances.`, { code: 'shape' });
  }
  const cellOf = new Int32Array(instances);
  const instanceIn = new Int32Array(width * height).fill(instances);
  let crowded = false;
  for (let i = 0; i < instances; i++) {
    const [x, y] = [xy[2 * i] as number, xy[2 * i + 1] as number];
    if (!(x >= 0 && x < width && y >= 0 && y < height && Number.isInteger(x) && Number.isInteger(y))) {
      throw new MhimError(`instance ${i} lies at column ${x}, row ${y}, the grid has ${width} × ${height} cells.`, {
        code: 'shape',
        hint: 'Positions are whole columns and rows of the patch grid, counted from 0; a fixed grid must hold them all.',
      });
    }
    const cell = y * width + x;
    crowded ||= instanceIn[cell] !== instances;
    cellOf[i] = cell;
    instanceIn[cell] = i;
  }
  return { width, height, cellOf, instanceIn, crowded };
}

/** Positions for a bag that has none: row by row on the smallest square that holds it. */
export function squarePositions(instances: number): Positions {
  const side = Math.ceil(Math.sqrt(instances));
  const xy = Int32Array.from({ length: 2 * instances }, (_, k) =>
    k % 2 === 0 ? (k >> 1) % side : Math.floor((k >> 1) / side),
  );
  return { xy, width: side, height: Math.ceil(instances / side) };
}

/**
 * Rows of instances, and last the one that all empty cells share, as the rows of the cells.
 * @param rows [n + 1, d]
 * @returns [cells, d]
 */
export function fillCells(rows: tf.Tensor2D, cells: GridCells): tf.Tensor2D {
  return differentiable((given: tf.Tensor2D) => ({
    value: tf.tidy(() => tf.gather(given, tf.tensor1d(cells.instanceIn, 'int32'))),
    save: [],
    gradient: (dCells) => [() => gatherCells(dCells, cells)],
  }))(rows);
}

/** The gradient of {@link fillCells}, [n + 1, d], given that of the cells. */
export function gatherCells(dCells: tf.Tensor2D, cells: GridCells): tf.Tensor2D {
  return tf.tidy(() => tf.concat([fromCells(dCells, cells), fromEmptyCells(dCells, cells)]));
}

/** Each instance's row of the gradient: its cell's, or nothing where a later instance fills it. */
function fromCells(dy: tf.Tensor2D, { cellOf, instanceIn, crowded }: GridCells): tf.Tensor2D {
  const own: tf.Tensor2D = tf.gather(dy, tf.tensor1d(cellOf, 'int32'));
  if (!crowded) return own;
  const fills = Float32Array.from(cellOf, (cell, i) => Number(instanceIn[cell] === i));
  return tf.mul(own, tf.tensor2d(fills, [fills.length, 1]));
}

function fromEmptyCells(dy: tf.Tensor2D, { cellOf, instanceIn }: GridCells): tf.Tensor2D {
  const empty = Float32Array.from(instanceIn, (instance) => Number(instance === cellOf.length));
  return tf.matMul(tf.tensor2d(empty, [1, empty.length]), dy);
}
