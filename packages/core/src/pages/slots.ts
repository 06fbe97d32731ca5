/** Slots: places of a page that other modules add to, so that neither module knows of the other. @module */
import type { Context } from "../http/context.ts";
import type { Html } from "./html.ts";
import type { PageTools } from "./view.ts";

/** What a module adds to a place of somebody else's page. */
export interface SlotFill<Data extends object> {
  /** Under this name a JSON client gets the data. */
  readonly name: string;
  /** What there is to show; `null` for nothing this time. */
  readonly data: (ctx: Context) => Data | null | Promise<Data | null>;
  readonly body: (data: Data, tools: PageTools) => Html;
}

/** One that has something to show on this page. */
export interface Filled {
  readonly slot: string;
  readonly name: string;
  readonly data: object;
  readonly body: (tools: PageTools) => Html;
}

type Fill = (ctx: Context) => Promise<Filled | null>;

/** The slots of one gate, each filled in the order of modules. */
export class Slots {
  readonly #fills = new Map<string, Fill[]>();

  add<Data extends object>(slot: string, { name, data: provide, body }: SlotFill<Data>): void {
    const fill: Fill = async (ctx) => {
      const data = await provide(ctx);
      return data && { slot, name, data, body: (tools) => body(data, tools) };
    };
    this.#fills.set(slot, [...(this.#fills.get(slot) ?? []), fill]);
  }

  async fillsFor(ctx: Context, slots: readonly string[] = []): Promise<readonly Filled[]> {
    const fills = slots.flatMap((slot) => this.#fills.get(slot) ?? []);
    return (await Promise.all(fills.map((fill) => fill(ctx)))).filter((filled) => filled !== null);
  }
}
