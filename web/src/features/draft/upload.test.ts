import { expect, test, vi } from "vitest";
import { Problem } from "../../api/problem";
import { type Link, type Put, upload } from "./upload";

const link = (key: string, age = 0): Link => ({
  key,
  url: `https://bucket/${key}`,
  method: "PUT",
  headers: {},
  // By the clock of the service: that of a device may be wrong by years.
  expiresAt: "2001-01-01T00:15:00Z",
  receivedAt: Date.now() - age * 60_000,
});

/** Uploads through links a, b, c against a bucket that answers these statuses. */
async function check(statuses: number[], links = [link("a"), link("b"), link("c")]) {
  const puts: string[] = [];
  const put: Put = async ({ key }) => {
    puts.push(key);
    return statuses.shift() ?? 0;
  };
  const result = await upload({
    body: new Blob(["x"]),
    link: async () => {
      const next = links.shift();
      if (!next) throw new Problem(400, "none_left", "");
      return next;
    },
    onProgress: () => undefined,
    signal: new AbortController().signal,
    put,
    pause: async () => undefined,
  }).catch((error: Problem) => error.code);
  return `${puts.join("")} -> ${result}`;
}

test("the first try is mostly enough", async () => {
  expect(await check([200])).toBe("a -> a");
});

test("a lost answer is tried again through the same link, and a 412 then means that it is there", async () => {
  expect(await check([0, 412])).toBe("aa -> a");
  expect(await check([503, 500, 200])).toBe("aaa -> a");
});

test("a 412 without a try of our own is somebody else's, and takes another link", async () => {
  expect(await check([412, 200])).toBe("ab -> b");
});

test("a link that has expired on the way is replaced", async () => {
  expect(await check([403, 200])).toBe("ab -> b");
  expect(await check([200], [link("old", 14), link("new")])).toBe("old -> old");
  expect(await check([0, 200], [link("old", 14), link("new")])).toBe("oldnew -> new");
});

test("a refusal is final, and patience ends", async () => {
  expect(await check([400])).toBe("a -> upload_refused");
  expect(await check([0, 0, 0, 0, 0, 0, 0])).toBe("aaaaaa -> upload_failed");
});

test("whoever takes a photo away stops its upload", async () => {
  const abort = new AbortController();
  const put: Put = (_, __, ___, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const running = upload({
    body: new Blob(["x"]),
    link: async () => link("a"),
    onProgress: () => undefined,
    signal: abort.signal,
    put,
  });
  setTimeout(() => abort.abort(new Error("taken away")), 5);
  await expect(running).rejects.toThrow("taken away");
});

test("a photo that is taken away while there is no network does not wait for one", async () => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { onLine: false });
  vi.stubGlobal("addEventListener", () => undefined);
  const abort = new AbortController();
  const running = upload({
    body: new Blob(["x"]),
    link: async () => link("a"),
    onProgress: () => undefined,
    signal: abort.signal,
    put: async () => 0,
  }).catch((error: Error) => error.message);
  await vi.advanceTimersByTimeAsync(60_000);
  abort.abort(new Error("taken away"));
  vi.useRealTimers();
  expect(await running).toBe("taken away");
  vi.unstubAllGlobals();
});
