// Who is signed in, and the token that says so. Keeps the ID token itself, so that a visit within its hour needs neither
// the sign-in library nor a round trip; the refresh token stays with the library.

import { useSyncExternalStore } from "react";
import type { Tokens } from "./cognito";
import { AccountError } from "./errors";

const KEY = "bie.session";
/** What the names begin with under which the library keeps its tokens. */
const LIBRARY = "CognitoIdentityServiceProvider.";
/** A token this close to its end is renewed first. */
const MARGIN_MS = 2 * 60 * 1000;

type Exit = { to: string; state?: { notice: string } };

const cognito = () => import("./cognito");

let session: Tokens | null = read();
/** Whether it ended without anybody having signed out here. */
let ended = false;
/** Where the page that somebody signs out on leads, and which page that is, as soon as it has asked. */
let exit: (Exit & { from?: string }) | undefined;
/** Whose data this tab may hold. After a session that ended it stays theirs, until somebody else signs in. */
let person = session?.userId;
/** How often that has changed. */
let turn = 0;
const farewells = new Set<() => void>();
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

function write(next: Tokens | null, hasEnded = false) {
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
  change(next, hasEnded);
}

function change(next: Tokens | null, hasEnded: boolean) {
  session = next;
  ended = hasEnded;
  if (next || hasEnded) exit = undefined;
  if (!hasEnded && person !== next?.userId) {
    if (person !== undefined) {
      turn += 1;
      for (const farewell of farewells) farewell();
    }
    person = next?.userId;
  }
  for (const listener of listeners) listener();
}

/** What is to be forgotten when this tab is another person's, or nobody's: each part of the page says it for itself. */
export function whenPersonLeaves(farewell: () => void) {
  farewells.add(farewell);
}

// Another tab has signed in, out, or renewed.
if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    const next = read();
    change(next, next === null);
  });
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useSession = () => useSyncExternalStore(subscribe, () => session);
export const currentSession = () => session;
export const hasEnded = () => ended;
/**
 * For the page that asks first, which is the one that is left: the address may be that of a page still to come. And only
 * from there: who has gone back before the way was taken wants to sign in.
 */
export function wayOut(from: string): Exit | undefined {
  if (exit) exit.from ??= from;
  return exit?.from === from ? exit : undefined;
}
/** It is taken once: to go back afterwards is to want to sign in. */
export function forgetWayOut() {
  exit = undefined;
}
/** Another number for another person. */
export const useTurn = () => useSyncExternalStore(subscribe, () => turn);

/** A token that is good for a while; one renewal at a time. */
export async function idToken(): Promise<string> {
  if (!session) throw new AccountError("ended");
  return session.expiresAt - Date.now() > MARGIN_MS ? session.idToken : renew();
}

export function renew(): Promise<string> {
  renewal ??= (async () => {
    try {
      const tokens = await (await cognito()).tokens(true);
      // Not if somebody has signed out meanwhile.
      if (session) write(tokens);
      return tokens.idToken;
    } catch (error) {
      const problem = AccountError.from(error);
      if (problem.code === "ended" || problem.code === "wrong") {
        if (session) write(null, true);
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

/** At once for everything here. What is done after that takes as long as the network, and is nobody's to wait for. */
export async function signOut(then: Exit): Promise<void> {
  exit = { ...then };
  write(null);
  try {
    await (await cognito()).signOut();
  } catch {
    // Without a network the library neither comes nor forgets. The next person must not be this one all the same.
  }
  for (const key of Object.keys(localStorage)) if (key.startsWith(LIBRARY)) localStorage.removeItem(key);
}
