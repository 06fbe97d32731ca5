/** Small pieces of work timed against each other, in turns, so that noise falls on all of them. @module */
import { percentile } from "./statistics.mjs";

/**
 * @param {readonly (() => Promise<unknown>)[]} works
 * @param {{ rounds: number, times: number }} settings in each round each piece of work is done so many times, one after another; a fifth more rounds come first, to warm up, and are not counted
 * @returns {Promise<readonly (readonly number[])[]>} microseconds for each piece of work, round by round
 */
export async function inTurns(works, { rounds, times }) {
  const took = works.map(() => /** @type {number[]} */ ([]));
  for (let round = -Math.ceil(rounds / 5); round < rounds; round += 1) {
    // Each round begins with another, so that none always comes after the same.
    for (const offset of works.keys()) {
      const which = (Math.abs(round) + offset) % works.length;
      const began = performance.now();
      for (let turn = 0; turn < times; turn += 1) await works[which]?.();
      if (round >= 0) took[which]?.push(((performance.now() - began) * 1000) / times);
    }
  }
  return took;
}

/** Others on the machine only ever make something take longer: what the quicker quarter of the rounds stayed under says most. @param {readonly number[]} rounds */
export const usualOf = (rounds) => percentile(rounds, 25);
