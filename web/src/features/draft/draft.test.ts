import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Problem } from "../../api/problem";
import type { Outcome, PrepareJob } from "./prepare";
import type { SavedPhoto } from "./saved";

/** What is in this browser. */
const saved = new Map<string, SavedPhoto>();
const previews: string[] = [];
vi.mock("./saved", () => ({
  loadPhotos: async () => [...saved.values()],
  savePhoto: async (_: string, photo: SavedPhoto) => void saved.set(photo.id, photo),
  dropPhotos: async (_: string, ids: string[]) => {
    for (const id of ids) saved.delete(id);
  },
  savePreviews: async (thumbs: [string, Blob][]) => void previews.push(...thumbs.map(([key]) => key)),
  readJson: () => undefined,
  writeJson: () => undefined,
}));

const good = (blob: Blob): Outcome => ({ prepared: { blob, thumb: blob, width: 1, height: 1 } });
let prepared: (job: PrepareJob) => Outcome | Promise<Outcome> = ({ file }) => good(file);
vi.mock("./prepare", () => ({ WORKERS: 2, prepare: async (job: PrepareJob) => prepared(job) }));

type Wanted = { body: Blob; link: () => Promise<{ key: string }>; signal: AbortSignal };
const straight = async ({ link }: Wanted) => (await link()).key;
let uploaded: (wanted: Wanted) => Promise<string> = straight;
vi.mock("./upload", async (original) => ({
  ...(await original<typeof import("./upload")>()),
  upload: (wanted: Wanted) => uploaded(wanted),
}));

let keys = 0;
let asked = 0;
vi.mock("../../api/client", () => ({
  ok: async <T>(call: Promise<T>) => call,
  api: {
    POST: async (_: string, { body }: { body: { files: object[] } }) => {
      asked += 1;
      return { uploads: body.files.map(() => ({ key: `key-${keys++}`, expiresAt: "2001-01-01T00:15:00Z" })) };
    },
  },
}));

let online = () => {};
vi.stubGlobal("addEventListener", (_: string, listener: () => void) => {
  online = listener;
});
vi.stubGlobal("navigator", {});
vi.stubGlobal("document", { visibilityState: "visible" });
vi.stubGlobal("requestAnimationFrame", (now: () => void) => setTimeout(now));

const { Draft, draftOf, dropDrafts } = await import("./draft");
type Draft = InstanceType<typeof Draft>;

const file = (name: string) => new File([name], name, { type: "image/jpeg" });
const states = (draft: Draft) =>
  draft
    .snapshot()
    .photos.map(({ name, state, reason }) => `${name} ${reason ?? state}`)
    .join(", ");
const become = (draft: Draft, expected: string) => vi.waitFor(() => expect(states(draft)).toBe(expected));
const request = (draft: Draft, prompt = "p") => ({
  images: draft.usable.flatMap(({ key }) => (key ? [{ key }] : [])),
  prompt,
});

beforeEach(() => {
  saved.clear();
  previews.length = 0;
  prepared = ({ file }) => good(file);
  uploaded = straight;
  asked = 0;
});
afterEach(() => dropDrafts());

test("a submit takes what was in it, and leaves what was not", async () => {
  const draft = draftOf("u");
  prepared = ({ file }) => (file.size === 3 ? { refused: "gif" } : good(file));
  uploaded = async (wanted) => {
    if (wanted.body.size === 4) throw new Problem(400, "upload_refused", "");
    return straight(wanted);
  };
  draft.add([file("a"), file("gif"), file("fail")]);
  draft.setWish({ prompt: "p" });
  await become(draft, "a uploaded, gif gif, fail failed");
  const sent = request(draft);
  uploaded = straight;
  draft.add([file("later")]);
  await become(draft, "a uploaded, gif gif, fail failed, later uploaded");
  draft.submitted(sent);
  await become(draft, "gif gif, fail failed, later uploaded");
  expect(draft.snapshot().wish.prompt).toBe("p");
  expect(previews).toEqual([sent.images[0]?.key]);
  await vi.waitFor(() => expect([...saved.values()].map(({ name }) => name)).toEqual(["fail", "later"]));
  draft.remove(draft.snapshot().photos[1]?.id ?? "");
  draft.submitted(request(draft));
  await become(draft, "gif gif");
  await vi.waitFor(() => expect(draft.snapshot().wish.prompt).toBe(""));
});

test("a clock that is wrong by years asks for links once", async () => {
  const draft = draftOf("u");
  draft.add([file("a"), file("b")]);
  await become(draft, "a uploaded, b uploaded");
  expect(asked).toBeLessThanOrEqual(2);
});

test("what could not be prepared for want of a network is kept, and goes on when there is one", async () => {
  const draft = draftOf("u");
  prepared = () => ({ notLoaded: true });
  draft.add([file("a")]);
  await become(draft, "a failed");
  expect(draft.snapshot().photos[0]?.problem?.code).toBe("preparation_not_loaded");
  await vi.waitFor(() => expect([...saved.values()].map(({ file }) => file?.size)).toEqual([1]));
  prepared = ({ file }) => good(file);
  online();
  await become(draft, "a uploaded");
  expect(draft.snapshot().photos[0]?.problem).toBeUndefined();
});

const DAY_MS = 24 * 3600 * 1000;
const kept = (id: string, days: number): SavedPhoto => ({
  id,
  order: saved.size,
  name: id,
  size: id.length,
  prompt: "its own",
  key: `key of ${id}`,
  uploadedAt: Date.now() - days * DAY_MS,
});

test("an upload is good for four weeks, and one that is gone can be chosen again", async () => {
  for (const photo of [kept("young", 1), kept("old", 27), kept("gone", 29)]) saved.set(photo.id, photo);
  const draft = draftOf("u");
  await become(draft, "young uploaded, old uploaded, gone expired");
  draft.setPrompt("old", "other");
  await vi.waitFor(() => expect(saved.get("old")?.prompt).toBe("other"));
  expect(saved.get("old")?.uploadedAt).toBeLessThan(Date.now() - 26 * DAY_MS);

  draft.add([file("gone")]);
  await become(draft, "young uploaded, old uploaded, gone uploaded");
  expect(draft.snapshot().photos[2]?.prompt).toBe("its own");
});

test("when the bucket has lost uploads, those that are here go again and the others have to be chosen", async () => {
  saved.set("before", kept("before", 1));
  const draft = draftOf("u");
  await become(draft, "before uploaded");
  draft.add([file("now")]);
  await become(draft, "before uploaded, now uploaded");
  const keyBefore = draft.snapshot().photos[1]?.key;
  draft.forgetUploads();
  await become(draft, "before expired, now uploaded");
  expect(draft.snapshot().photos[0]?.key).toBeUndefined();
  expect(draft.snapshot().photos[1]?.key).not.toBe(keyBefore);
  expect(saved.has("before")).toBe(false);
});

test("what was refused for a switch or for want of room gets its chance", async () => {
  const draft = draftOf("u");
  draft.limits = { ...draft.limits, maxImagesPerBatch: 2 };
  draft.setWish({ shrink: false, convert: false });
  prepared = ({ file, shrink, convert }) => {
    if (file.size === 5) return shrink ? good(file) : { refused: "tooManyBytes" };
    return convert ? good(file) : { refused: "needsConversion" };
  };
  draft.add([file("large"), file("heic"), file("more")]);
  await become(draft, "large tooManyBytes, heic needsConversion, more needsConversion");
  draft.setWish({ shrink: true });
  await vi.waitFor(() => expect(states(draft)).toContain("large uploaded"));
  draft.setWish({ convert: true });
  await become(draft, "large uploaded, heic uploaded, more tooManyPhotos");
  draft.remove(draft.snapshot().photos[0]?.id ?? "");
  await become(draft, "heic uploaded, more uploaded");
});

test("when somebody else signs in, nothing goes on for the first", async () => {
  const draft = draftOf("u");
  let aborted = 0;
  uploaded = ({ signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        aborted += 1;
        reject(signal.reason);
      }),
    );
  draft.add([file("a")]);
  await become(draft, "a uploading");
  expect(draftOf("u")).toBe(draft);
  dropDrafts();
  expect(aborted).toBe(1);
  expect(draftOf("u")).not.toBe(draft);
  draft.add([file("b")]);
  await become(draft, "a uploading, b waiting");
});
