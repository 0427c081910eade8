import { expect, test, vi } from "vitest";

vi.mock("../account/session", () => ({}));
const { withStableLinks } = await import("./useBatch");

type Batch = Parameters<typeof withStableLinks>[1];
const batch = (...urls: (string | undefined)[]) =>
  ({ images: urls.map((resultUrl, index) => ({ index, key: `k${index}`, resultUrl })) }) as unknown as Batch;
const links = (of: Batch) => of.images.map(({ resultUrl }) => resultUrl);

test("a picture that is shown keeps its link, a new one brings its own", () => {
  expect(links(withStableLinks(batch("a1", undefined), batch("a2", "b2")))).toEqual(["a1", "b2"]);
  expect(links(withStableLinks(undefined, batch("a2")))).toEqual(["a2"]);
});
