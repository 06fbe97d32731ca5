/** SQL for lists of hashes that are kept as JSON. A hash is base64url text and stands in a list once. @module */

export const hasElement = (list: string, text: string): string => `json_contains(${list}, json_quote(${text}))`;

/** The list without the element that `text` is. `json_search` takes `_` for any letter, unless told otherwise. */
export const withoutElement = (list: string, text: string): string =>
  `json_remove(${list}, json_unquote(json_search(${list}, 'one', replace(${text}, '_', '|_'), '|')))`;
