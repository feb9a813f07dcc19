// What of a room somebody reads. A filter without `types` or `keys` lets all of them through.

/** @typedef {{types?: string[], keys?: string[], tail?: number}} Filter */

/**
 * Whether one of the filters lets an event of this type and key through. What has no known key might pass
 * any filter of its type.
 * @param {readonly Filter[]} filters
 * @param {string} type
 * @param {string | undefined} key
 */
export function covers(filters, type, key) {
  return filters.some(
    ({ types, keys }) => (types?.includes(type) ?? true) && (key === undefined || (keys?.includes(key) ?? true)),
  );
}

/**
 * The text by which equal filters are known as such.
 * @param {Filter} filter
 */
export function identityOf({ types, keys, tail }) {
  return JSON.stringify([types ?? null, keys ?? null, tail ?? null]);
}
