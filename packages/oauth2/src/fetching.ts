/** Requests to providers that end in time, and answers that are not read without end. @module */
import type { Duration } from "@castellan/core";
import type { CustomFetch } from "openid-client";
import { ProviderFailure } from "./provider.ts";

/** Far more than a profile or a set of keys has. */
export const LONGEST_ANSWER = 1024 * 1024;

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // A body that is not there is an empty one.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > LONGEST_ANSWER) throw new ProviderFailure("oauth2_answer_invalid", new Error("the answer is too long"));
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Statuses that have no body (Fetch Standard). */
const BODILESS = new Set([101, 204, 205, 304]);

/** `fetch`, with an end: the whole answer is there within `time`, or the request has failed. */
export const requestWithin =
  (time: Duration): CustomFetch =>
  async (url, options) => {
    const late = AbortSignal.timeout(time);
    try {
      // What openid-client leaves undefined is as good as left out; the types of fetch do not say so.
      const response = await fetch(url, { ...(options as RequestInit), signal: late });
      const { status, statusText, headers } = response;
      const body = await bytesOf(response);
      return new Response(BODILESS.has(status) ? null : body, { status, statusText, headers });
    } catch (error) {
      throw late.aborted ? new ProviderFailure("oauth2_provider_unavailable", error) : error;
    }
  };
