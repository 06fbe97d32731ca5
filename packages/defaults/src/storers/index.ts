export { type OpenedStorer, openStorer } from "./open-storer.ts";
