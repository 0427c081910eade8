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

export function pendingOf({ user, keeps }: Owner): Pending | undefined {
  // This tab's own goes with it over a reload, after which it may be the one that keeps the draft.
  const own = kept.get(user) ?? readJson<Pending>(name(user), "sessionStorage");
  return own ?? (keeps ? readJson<Pending>(name(user)) : undefined);
}

/** Keeps the request, unless one is waiting for its answer already: then that one comes first. */
export function keep(owner: Owner, request: Schemas["SubmitRequest"]): Pending {
  const pending = pendingOf(owner) ?? { key: crypto.randomUUID(), request, at: Date.now() };
  kept.set(owner.user, pending);
  writeJson(name(owner.user), pending, owner.keeps ? "localStorage" : "sessionStorage");
  return pending;
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
      // A refusal is certain: nothing was bought, and the next try is another one. (Not so a lost session.)
      if (!problem.isUncertain && problem.status !== 401) {
        forget(user, pending);
        throw problem;
      }
      if (tries >= TRIES || problem.status === 401 || !navigator.onLine) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 700 * 2 ** tries));
    }
  }
}
