/** Reading HTML as a browser does (parse5 follows the standard), and asking the tree for what a person would see. @module */
import { type DefaultTreeAdapterTypes, parse } from "parse5";

type Node = DefaultTreeAdapterTypes.ChildNode;
export type Element = DefaultTreeAdapterTypes.Element;
type Parent = DefaultTreeAdapterTypes.Document | Element;

/** Elements whose text nobody sees. */
const UNSEEN = new Set(["head", "script", "style", "template"]);
/** Elements that stand in a line of text; all others break it. */
const INLINE = new Set(["a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "u"]);

const isElement = (node: Node): node is Element => "tagName" in node;

/** Reads a page as a browser without JavaScript does: what stands in `noscript` is part of it. */
export const parseHtml = (html: string): Parent => parse(html, { scriptingEnabled: false });

export const attribute = (element: Element, name: string): string | null =>
  element.attrs.find((candidate) => candidate.name === name)?.value ?? null;

export const hasAttribute = (element: Element, name: string): boolean => attribute(element, name) !== null;

/** The words of a list of words, such as `class` or `aria-describedby`. */
export const words = (element: Element, name: string): readonly string[] => attribute(element, name)?.split(/\s+/).filter(Boolean) ?? [];

/** Every element below `parent`, in the order of the document. */
export function* elementsIn(parent: Parent): Generator<Element> {
  for (const node of parent.childNodes) {
    if (!isElement(node)) continue;
    yield node;
    yield* elementsIn(node);
  }
}

export const elementsNamed = (parent: Parent, ...names: readonly string[]): readonly Element[] =>
  [...elementsIn(parent)].filter(({ tagName }) => names.includes(tagName));

/** The element around this one; `null` at the top. */
export const parentOf = ({ parentNode }: Element): Element | null =>
  parentNode !== null && "tagName" in parentNode && "attrs" in parentNode ? parentNode : null;

/** The nearest element around this one (itself not) that `condition` picks. */
export function closest(element: Element, condition: (candidate: Element) => boolean): Element | null {
  let candidate = parentOf(element);
  while (candidate && !condition(candidate)) candidate = parentOf(candidate);
  return candidate;
}

/** The text as it stands in the source. */
export const rawText = (parent: Parent): string =>
  parent.childNodes.map((node) => ("value" in node ? node.value : isElement(node) ? rawText(node) : "")).join("");

const seenText = (node: Node): string => {
  if ("value" in node) return node.value;
  if (!isElement(node) || UNSEEN.has(node.tagName) || hasAttribute(node, "hidden")) return "";
  const text = node.childNodes.map(seenText).join("");
  return INLINE.has(node.tagName) ? text : ` ${text} `;
};

/** What a person can read, with one space where there are several. */
export const textOf = (parent: Parent): string => parent.childNodes.map(seenText).join("").replace(/\s+/g, " ").trim();
