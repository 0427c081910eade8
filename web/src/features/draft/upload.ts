// One photo's way into the bucket: a link, a PUT, and what to do when that goes wrong. Knows nothing of the draft.

import type { Schemas } from "../../api/client";
import { Problem } from "../../api/problem";

export type Link = Schemas["Upload"] & { receivedAt: number };
export type UploadError = "offline" | "refused" | "signedOut";
/** What became of a PUT: an HTTP status, or 0 if nothing was heard. */
export type Put = (link: Link, body: Blob, onProgress: (part: number) => void, signal: AbortSignal) => Promise<number>;

const TRIES = 6;
/** A link older than this is not begun with: they live a quarter of an hour, and by no clock of this device. */
const LINK_AGE_MS = 12 * 60 * 1000;

export const isFresh = (link: Link | undefined): link is Link =>
  link !== undefined && Date.now() - link.receivedAt < LINK_AGE_MS;

export const put: Put = (link, body, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(link.method, link.url);
    for (const [name, value] of Object.entries(link.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onload = () => resolve(request.status);
    request.onerror = () => resolve(0);
    request.ontimeout = () => resolve(0);
    request.timeout = 10 * 60 * 1000;
    const abort = () => {
      request.abort();
      reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.send(body);
  });

type Options = {
  body: Blob;
  link: () => Promise<Link>;
  onProgress: (part: number) => void;
  signal: AbortSignal;
  put?: Put;
  pause?: (attempt: number, signal: AbortSignal) => Promise<void>;
};

/** Waits longer each time, with jitter, and until the browser is online. */
async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.min(15_000, 500 * 2 ** attempt) * (0.5 + Math.random())));
  if (!navigator.onLine) {
    await new Promise((resolve) => {
      addEventListener("online", resolve, { once: true, signal });
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
  signal.throwIfAborted();
}

/** The key under which the photo is in the bucket now. Throws an `UploadError` in a `Problem`, or the signal's reason. */
export async function upload({ body, link: next, onProgress, signal, put: send = put, pause = backOff }: Options) {
  let link: Link | undefined;
  // A PUT through this link may have got through although its answer was lost.
  let maybeThere = false;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (attempt > 0) await pause(attempt, signal);
    if (!isFresh(link)) {
      try {
        link = await next();
        maybeThere = false;
      } catch (error) {
        const problem = Problem.from(error);
        if (problem.isUncertain || problem.status === 429) continue;
        throw problem;
      }
    }
    const status = await send(link, body, onProgress, signal);
    if (status >= 200 && status < 300) return link.key;
    // Nothing may be overwritten: what is there under our key after our own try is what we sent.
    if (status === 412 && maybeThere) return link.key;
    if (status === 412 || status === 403) link = undefined;
    else if (status === 0 || status >= 500 || status === 408 || status === 429) maybeThere = true;
    else throw new Problem(status, "upload_refused", "");
  }
  throw new Problem(0, "upload_failed", "");
}
