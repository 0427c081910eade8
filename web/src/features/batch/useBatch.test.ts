import { expect, test, vi } from "vitest";

vi.mock("../account/session", () => ({ whenPersonLeaves: () => undefined }));
const { forgetLinks, isGone, withStableLinks } = await import("./useBatch");

type Batch = Parameters<typeof withStableLinks>[1];
const batch = (...urls: (string | undefined)[]) =>
  ({ images: urls.map((resultUrl, index) => ({ index, key: `k${index}`, resultUrl })) }) as unknown as Batch;
const links = (of: Batch) => of.images.map(({ resultUrl }) => resultUrl);

test("a picture that is shown keeps its link, a new one brings its own", () => {
  expect(links(withStableLinks(batch("a1", undefined), batch("a2", "b2")))).toEqual(["a1", "b2"]);
  expect(links(withStableLinks(undefined, batch("a2")))).toEqual(["a2"]);
});

test("a result that is deleted takes its link along", () => {
  const after = withStableLinks(batch("a1"), batch(undefined));
  expect(links(after)).toEqual([undefined]);
  expect(isGone({ status: "completed" })).toBe(true);
  expect(isGone({ status: "completed", resultUrl: "a1" })).toBe(false);
  expect(isGone({ status: "failed" })).toBe(false);
});

test("new links are asked for once a minute, for each batch", () => {
  expect(forgetLinks("one", 1_000_000)).toBe(true);
  expect(forgetLinks("one", 1_059_999)).toBe(false);
  expect(forgetLinks("two", 1_059_999)).toBe(true);
  expect(forgetLinks("one", 1_060_000)).toBe(true);
});
