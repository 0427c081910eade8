// The API: typed by its OpenAPI document, with the caller's token on every request. A 401 is tried once more with a new
// token. Every failure is a `Problem`.

import createClient from "openapi-fetch";
import { idToken, renew } from "../features/account/session";
import { Problem } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

const PATIENCE_MS = 40_000;

async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const attempt = (with_: Request, token: string) => {
    with_.headers.set("authorization", `Bearer ${token}`);
    return fetch(with_, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)]) });
  };
  const answer = await attempt(request, await idToken());
  return answer.status === 401 ? attempt(again, await renew()) : answer;
}

export const api = createClient<paths>({ baseUrl: "/", fetch: send });

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The answer's body, or a `Problem`. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw Problem.from(error);
  }
  if (!answer.response.ok) throw await Problem.of(answer.response, answer.error);
  return answer.data as T;
}
