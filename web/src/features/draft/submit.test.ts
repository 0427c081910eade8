import { afterEach, beforeEach, expect, test, vi } from "vitest";

const session = { userId: "u" };
vi.mock("../account/session", () => ({
  idToken: async () => "t",
  renew: async () => "t",
  currentSession: () => session,
}));

function storage(store = new Map<string, string>()) {
  return {
    getItem: (name: string) => store.get(name) ?? null,
    setItem: (name: string, value: string) => store.set(name, value),
    removeItem: (name: string) => store.delete(name),
    clear: () => store.clear(),
  };
}

/** What a tab knows after it was loaded; `localStorage` is common to all of them. */
const tab = async () => {
  vi.resetModules();
  return import("./submit");
};
let { keep, pendingOf, send } = await (async () => {
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("location", { origin: "http://here" });

  const RealRequest = Request;
  vi.stubGlobal(
    "Request",
    class extends RealRequest {
      constructor(url: string, init?: RequestInit) {
        super(new URL(url, "http://here"), init);
      }
    },
  );
  return tab();
})();

const keeper = { user: "u", keeps: true };
const other = { user: "u", keeps: false };

const request = { images: [{ key: "k" }], prompt: "p" };
const accepted = { batchId: "b", imageCount: 1, creditsSpent: 1, credits: 9, statusUrl: "/" };
let asked: { key: string | null; body: string }[] = [];

function service(...answers: (Response | Error)[]) {
  vi.stubGlobal("fetch", async (sent: Request) => {
    asked.push({ key: sent.headers.get("idempotency-key"), body: await sent.text() });
    const answer = answers.shift();
    if (!answer || answer instanceof Error) throw answer ?? new TypeError("no network");
    return answer;
  });
}

const json = (status: number, body: object) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

beforeEach(async () => {
  localStorage.clear();
  sessionStorage.clear();
  session.userId = "u";
  ({ keep, pendingOf, send } = await tab());
  asked = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

async function outcome(sending: Promise<unknown>) {
  const result = sending.catch((error) => error.code);
  await vi.runAllTimersAsync();
  return result;
}

test("two clicks are one request", async () => {
  service(json(202, accepted));
  const both = [send("u", keep(keeper, request)), send("u", keep(keeper, request))];
  await vi.runAllTimersAsync();
  expect(await Promise.all(both)).toEqual([accepted, accepted]);
  expect(asked).toHaveLength(1);
  expect(pendingOf(keeper)).toBeUndefined();
});

test("a lost answer is asked for again under the same key, with the same body", async () => {
  service(new TypeError("cut"), json(503, { code: "busy" }), json(202, accepted));
  expect(await outcome(send("u", keep(keeper, request)))).toEqual(accepted);
  expect(new Set(asked.map(({ key, body }) => `${key} ${body}`)).size).toBe(1);
  expect(asked).toHaveLength(3);
});

test("what was not answered is kept, and comes before anything newer", async () => {
  service();
  const first = keep(keeper, request);
  expect(await outcome(send("u", first))).toBe("offline");
  expect(pendingOf(keeper)).toEqual(first);
  expect(keep(keeper, { ...request, prompt: "newer" })).toEqual(first);
});

test("a refusal is certain: the next try has another key", async () => {
  service(json(402, { code: "insufficient_credits", detail: "d" }));
  const first = keep(keeper, request);
  expect(await outcome(send("u", first))).toBe("insufficient_credits");
  expect(pendingOf(keeper)).toBeUndefined();
  expect(keep(keeper, request).key).not.toBe(first.key);
});

test("what stands before the API refuses for certain only what nobody has heard of before", async () => {
  const blocked = () => json(403, { message: "Forbidden" });
  service(blocked());
  const never = keep(keeper, request);
  expect(await outcome(send("u", never))).toBe("http_403");
  expect(pendingOf(keeper)).toBeUndefined();

  service(new TypeError("cut"), blocked(), blocked(), blocked());
  const maybe = keep(keeper, request);
  expect(maybe.key).not.toBe(never.key);
  expect(await outcome(send("u", maybe))).toBe("http_403");
  expect(pendingOf(keeper)).toEqual(maybe);

  ({ keep, pendingOf, send } = await tab());
  service(blocked(), json(202, accepted));
  expect(await outcome(send("u", maybe))).toEqual(accepted);
  expect(new Set(asked.slice(1).map(({ key }) => key))).toEqual(new Set([maybe.key]));
});

test("a reload goes on with what is kept, in either tab", async () => {
  for (const owner of [keeper, other]) {
    service();
    const pending = keep(owner, request);
    expect(await outcome(send("u", pending))).toBe("offline");
    ({ keep, pendingOf, send } = await tab());
    expect(pendingOf(owner)).toEqual(pending);
    service(json(202, accepted));
    expect(await outcome(send("u", pending))).toEqual(accepted);
    expect(pendingOf(owner)).toBeUndefined();
  }
});

test("a second tab neither sends nor forgets what the first one has not heard of yet", async () => {
  service();
  const first = keep(keeper, request);
  expect(await outcome(send("u", first))).toBe("offline");

  const second = await tab();
  vi.stubGlobal("sessionStorage", storage());
  expect(second.pendingOf(other)).toBeUndefined();
  const pending = second.keep(other, { ...request, prompt: "another" });
  expect(pending.key).not.toBe(first.key);
  service(json(202, accepted));
  expect(await outcome(second.send("u", pending))).toEqual(accepted);
  expect(JSON.parse(asked.at(-1)?.body ?? "").prompt).toBe("another");
  expect(second.pendingOf(other)).toBeUndefined();
  expect(pendingOf(keeper)).toEqual(first);
});

test("a browser without room keeps the key as long as the page lives", async () => {
  const full = {
    ...storage(),
    setItem: () => {
      throw new Error("full");
    },
  };
  vi.stubGlobal("localStorage", full);
  service();
  const first = keep(keeper, request);
  expect(await outcome(send("u", first))).toBe("offline");
  expect(keep(keeper, request)).toEqual(first);
  vi.stubGlobal("localStorage", storage());
});

test("what one person has asked for is not sent as another", async () => {
  service(json(202, accepted));
  const pending = keep(keeper, request);
  session.userId = "somebody else";
  expect(await outcome(send("u", pending))).toBe("unauthenticated");
  expect(asked).toHaveLength(0);
  expect(pendingOf(keeper)).toEqual(pending);
});
