import { afterEach, beforeEach, expect, test, vi } from "vitest";

vi.mock("../account/session", () => ({ idToken: async () => "t", renew: async () => "t" }));

const { keep, pendingOf, send } = await (async () => {
  const store = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => store.get(name) ?? null,
    setItem: (name: string, value: string) => store.set(name, value),
    removeItem: (name: string) => store.delete(name),
    clear: () => store.clear(),
  });
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
  return import("./submit");
})();

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

beforeEach(() => {
  localStorage.clear();
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
  const both = [send("u", keep("u", request)), send("u", keep("u", request))];
  await vi.runAllTimersAsync();
  expect(await Promise.all(both)).toEqual([accepted, accepted]);
  expect(asked).toHaveLength(1);
  expect(pendingOf("u")).toBeUndefined();
});

test("a lost answer is asked for again under the same key, with the same body", async () => {
  service(new TypeError("cut"), json(503, { code: "busy" }), json(202, accepted));
  expect(await outcome(send("u", keep("u", request)))).toEqual(accepted);
  expect(new Set(asked.map(({ key, body }) => `${key} ${body}`)).size).toBe(1);
  expect(asked).toHaveLength(3);
});

test("what was not answered is kept, and comes before anything newer", async () => {
  service();
  const first = keep("u", request);
  expect(await outcome(send("u", first))).toBe("offline");
  expect(pendingOf("u")).toEqual(first);
  expect(keep("u", { ...request, prompt: "newer" })).toEqual(first);
});

test("a refusal is certain: the next try has another key", async () => {
  service(json(402, { code: "insufficient_credits", detail: "d" }));
  const first = keep("u", request);
  expect(await outcome(send("u", first))).toBe("insufficient_credits");
  expect(pendingOf("u")).toBeUndefined();
  expect(keep("u", request).key).not.toBe(first.key);
});
