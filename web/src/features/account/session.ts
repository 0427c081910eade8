// Who is signed in, and the token that says so. Keeps the ID token itself, so that a visit within its hour needs neither
// the sign-in library nor a round trip; the refresh token stays with the library.

import { useSyncExternalStore } from "react";
import type { Tokens } from "./cognito";
import { AccountError } from "./errors";

const KEY = "bie.session";
/** A token this close to its end is renewed first. */
const MARGIN_MS = 2 * 60 * 1000;

const cognito = () => import("./cognito");

let session: Tokens | null = read();
let renewal: Promise<string> | undefined;
const listeners = new Set<() => void>();

function read(): Tokens | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored ? (JSON.parse(stored) as Tokens) : null;
  } catch {
    return null;
  }
}

function write(next: Tokens | null) {
  session = next;
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

// Another tab has signed in, out, or renewed.
if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    session = read();
    for (const listener of listeners) listener();
  });
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useSession = () => useSyncExternalStore(subscribe, () => session);
export const currentSession = () => session;

/** A token that is good for a while; one renewal at a time. */
export async function idToken(): Promise<string> {
  if (!session) throw new AccountError("ended");
  return session.expiresAt - Date.now() > MARGIN_MS ? session.idToken : renew();
}

export function renew(): Promise<string> {
  renewal ??= (async () => {
    try {
      const tokens = await (await cognito()).tokens(true);
      write(tokens);
      return tokens.idToken;
    } catch (error) {
      const problem = AccountError.from(error);
      if (problem.code === "ended" || problem.code === "wrong") {
        write(null);
        throw new AccountError("ended");
      }
      throw problem;
    } finally {
      renewal = undefined;
    }
  })();
  return renewal;
}

/** After the library has signed somebody in; where Google sent the browser back to us, it finishes that first. */
export async function begin(): Promise<void> {
  write(await (await cognito()).tokens(false));
}

export async function signOut(): Promise<void> {
  write(null);
  await (await cognito()).signOut().catch(() => undefined);
}
