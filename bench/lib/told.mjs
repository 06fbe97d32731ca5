/** A storer that tells what it is asked. @module */

/**
 * @template {object} S @param {S} storer
 * @param {(operation: string) => void} tell is given the name of each operation before it begins
 * @returns {S}
 */
export function told(storer, tell) {
  const members = Object.entries(storer).map(([name, member]) => {
    if (typeof member !== "function") return [name, member];
    const operation = (/** @type {unknown[]} */ ...args) => {
      tell(name);
      return Reflect.apply(member, storer, args);
    };
    return [name, operation];
  });
  return Object.fromEntries(members);
}
