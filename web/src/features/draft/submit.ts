// Buying a batch once. The rule that keeps money safe: the idempotency key and the request are kept before the request is
// sent, and do not change until there is an answer: a double click, a reload and a lost answer all send the same again.
// The tab that keeps the draft keeps its request beside it; any other tab has a request of its own, or it would send that
// one in place of what its page shows.

import { api, ok, type Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { currentSession } from "../account/session";
import { readJson, writeJson } from "./saved";

export type Pending = { key: string; request: Schemas["SubmitRequest"]; at: number };

/** A draft, as far as it says where its request is kept. */
export type Owner = { readonly user: string; readonly keeps: boolean };

const TRIES = 4;
const name = (user: string) => `bie.submit.${user}`;
/** For a browser that has no room: those of this page. */
const kept = new Map<string, Pending>();
/** Keys that nobody has heard of yet: whatever refuses their request, nothing was bought. */
const unsent = new Set<string>();

export function pendingOf({ user, keeps }: Owner): Pending | undefined {
  // This tab's own goes with it over a reload, after which it may be the one that keeps the draft.
  const own = kept.get(user) ?? readJson<Pending>(name(user), "sessionStorage");
  return own ?? (keeps ? readJson<Pending>(name(user)) : undefined);
}

/** Keeps the request, unless one is waiting for its answer already: then that one comes first. */
export function keep(owner: Owner, request: Schemas["SubmitRequest"]): Pending {
  const pending = pendingOf(owner) ?? made(request);
  kept.set(owner.user, pending);
  writeJson(name(owner.user), pending, owner.keeps ? "localStorage" : "sessionStorage");
  return pending;
}

function made(request: Schemas["SubmitRequest"]): Pending {
  const key = crypto.randomUUID();
  unsent.add(key);
  return { key, request, at: Date.now() };
}

function forget(user: string, { key }: Pending) {
  if (kept.get(user)?.key === key) kept.delete(user);
  for (const place of ["localStorage", "sessionStorage"] as const) {
    if (readJson<Pending>(name(user), place)?.key === key) writeJson(name(user), undefined, place);
  }
}

const running = new Map<string, Promise<Schemas["SubmitResponse"]>>();

/** Sends what is kept. A second call while the first is on its way is the first. */
export function send(user: string, pending: Pending): Promise<Schemas["SubmitResponse"]> {
  let sending = running.get(pending.key);
  if (!sending) {
    sending = attempt(user, pending).finally(() => running.delete(pending.key));
    running.set(pending.key, sending);
  }
  return sending;
}

async function attempt(user: string, pending: Pending): Promise<Schemas["SubmitResponse"]> {
  let maybeBought = !unsent.delete(pending.key);
  for (let tries = 1; ; tries += 1) {
    try {
      // Somebody else may have signed in since.
      if (currentSession()?.userId !== user) throw new Problem(401, "unauthenticated", "");
      const header = { "Idempotency-Key": pending.key };
      const answer = await ok(api.POST("/api/images/generate", { params: { header }, body: pending.request }));
      forget(user, pending);
      return answer;
    } catch (error) {
      const problem = Problem.from(error);
      // The API's refusal is certain: nothing was bought, and the next try is another one. What stands before the API (a
      // firewall, a gateway) only knows of the request that it refuses, not of an earlier one. A lost session says nothing.
      const isCertain = problem.isFromApi || !maybeBought;
      if (isCertain && !problem.isUncertain && problem.status !== 401) {
        forget(user, pending);
        throw problem;
      }
      maybeBought ||= problem.isUncertain;
      if (tries >= TRIES || problem.status === 401 || !navigator.onLine) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 700 * 2 ** tries));
    }
  }
}
