/** What the pages say of a user. @module */

/**
 * @typedef {object} Person
 * @property {string} email
 * @property {string} name
 */

/** @param {import("castellan").EveryUser} user @returns {Person} */
export const personOf = ({ login, email, profile }) => ({ email: email ?? login, name: profile["name"] ?? login });
