import type { Shape } from "./onnx.ts";

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/**
 * The shape of an element-wise operation on `a` and `b`: axes are matched from the last, and an axis
 * of size 1, or one that is missing, is repeated.
 */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1;
    const right = b[i - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new Error(`internal: shapes [${a.join()}] and [${b.join()}] do not go together`);
    }
    return left === 1 ? right : left;
  });
}

/** Counts axes from the end when negative: -1 is the last. */
export function axisOf(shape: Shape, axis: number): number {
  const result = axis < 0 ? axis + shape.length : axis;
  if (!(result >= 0 && result < shape.length)) {
    throw new Error(`internal: shape [${shape.join()}] has no axis ${axis}`);
  }
  return result;
}
