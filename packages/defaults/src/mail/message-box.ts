/** Keeps the newest messages of a kind in memory, for development and tests. @module */
import type { Clock } from "@castellan/core";

export interface KeptMessage<T> {
  readonly id: string;
  readonly at: Date;
  readonly message: T;
}

export interface MessageBox<T> {
  /** The oldest first. */
  list(): readonly KeptMessage<T>[];
  get(id: string): KeptMessage<T> | null;
  clear(): void;
}

export interface MessageBoxOptions<T> {
  readonly clock: Clock;
  /** How many are kept; the oldest gives way. @default 100 */
  readonly keep?: number;
  /** Told of each message once it is kept, for example to write it to the terminal. */
  readonly onMessage?: (message: KeptMessage<T>) => void;
}

const DEFAULTS = { keep: 100 } as const;

/** A box, and what puts a message into it. `prefix` begins the ids, so that those of two boxes differ. */
export function messageBox<T>(prefix: string, options: MessageBoxOptions<T>): { readonly box: MessageBox<T>; put(message: T): void } {
  const { clock, keep, onMessage } = { ...DEFAULTS, ...options };
  let kept: KeptMessage<T>[] = [];
  let count = 0;
  return {
    box: {
      list: () => [...kept],
      get: (id) => kept.find((one) => one.id === id) ?? null,
      clear: () => {
        kept = [];
      },
    },
    put(message) {
      count += 1;
      const one = { id: `${prefix}-${count}`, at: clock.now(), message };
      kept = [...kept, one].slice(-keep);
      onMessage?.(one);
    },
  };
}
