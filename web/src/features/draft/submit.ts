// Buying a batch once. The rule that keeps money safe: the idempotency key and the request are kept before the request is
// sent, and do not change until there is an answer: a double click, a reload and a lost answer all send the same again.

import { api, ok, type Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { readJson, writeJson } from "./saved";

export type Pending = { key: string; request: Schemas["SubmitRequest"]; at: number };

const TRIES = 4;
const name = (user: string) => `bie.submit.${user}`;

export const pendingOf = (user: string) => readJson<Pending>(name(user));

/** Keeps the request, unless one is waiting for its answer already: then that one comes first. */
export function keep(user: string, request: Schemas["SubmitRequest"]): Pending {
  const pending = pendingOf(user) ?? { key: crypto.randomUUID(), request, at: Date.now() };
  writeJson(name(user), pending);
  return pending;
}

const running = new Map<string, Promise<Schemas["SubmitResponse"]>>();

/** Sends what is kept. A second call while the first is on its way is the first. */
export function send(user: string, pending: Pending): Promise<Schemas["SubmitResponse"]> {
  let sending = running.get(user);
  if (!sending) {
    sending = attempt(user, pending).finally(() => running.delete(user));
    running.set(user, sending);
  }
  return sending;
}

async function attempt(user: string, { key, request }: Pending): Promise<Schemas["SubmitResponse"]> {
  for (let tries = 1; ; tries += 1) {
    try {
      const header = { "Idempotency-Key": key };
      const answer = await ok(api.POST("/api/images/generate", { params: { header }, body: request }));
      writeJson(name(user), undefined);
      return answer;
    } catch (error) {
      const problem = Problem.from(error);
      // A refusal is certain: nothing was bought, and the next try is another one. (Not so a lost session.)
      if (!problem.isUncertain && problem.status !== 401) {
        writeJson(name(user), undefined);
        throw problem;
      }
      if (tries >= TRIES || problem.status === 401 || !navigator.onLine) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 700 * 2 ** tries));
    }
  }
}
