import { expect, test, vi } from "vitest";
import type { Answer } from "./prepare";

class FakeWorker {
  static all: FakeWorker[] = [];
  onmessage: (event: { data: Answer }) => void = () => {};
  onerror: () => void = () => {};
  jobs = 0;
  isThere = true;
  constructor() {
    FakeWorker.all.push(this);
  }
  postMessage() {
    this.jobs += 1;
  }
  terminate() {
    this.isThere = false;
  }
  says(data: Answer) {
    this.onmessage({ data });
  }
}
vi.stubGlobal("Worker", FakeWorker);

async function start(photos: number) {
  vi.resetModules();
  FakeWorker.all = [];
  vi.stubGlobal("navigator", { hardwareConcurrency: 3 });
  const { prepare } = await import("./prepare");
  const job = { file: new Blob(), shrink: true, convert: true, maxFileBytes: 1, maxPixels: 1 };
  const outcomes = Array.from({ length: photos }, () => prepare(job));
  await vi.waitFor(() => expect(FakeWorker.all.at(-1)?.jobs).toBe(1));
  return { outcomes, workers: FakeWorker.all };
}

test("there are never more workers than there should be, however many photos are taken away and added", async () => {
  const { outcomes, workers } = await start(5);
  expect(workers).toHaveLength(2);
  for (let round = 0; round < 5; round += 1) {
    await vi.waitFor(() => expect(workers[0]?.jobs).toBe(round + 1));
    workers[0]?.says({ refused: "gif" });
    if (round === 3) break;
  }
  workers[1]?.says({ refused: "gif" });
  expect(await Promise.all(outcomes)).toHaveLength(5);
  expect(workers).toHaveLength(2);
});

test("a worker that does not come says nothing about the photo, one that dies does", async () => {
  const { outcomes, workers } = await start(2);
  workers[0]?.onerror();
  expect(await outcomes[0]).toEqual({ notLoaded: true });
  workers[1]?.says({ loaded: true });
  workers[1]?.onerror();
  expect(await outcomes[1]).toEqual({ refused: "damaged" });
});

test("a worker without one of its parts goes, and another one takes its place", async () => {
  const { outcomes, workers } = await start(3);
  workers[0]?.says({ loaded: true });
  workers[0]?.says({ notLoaded: true });
  expect(await outcomes[0]).toEqual({ notLoaded: true });
  expect(workers.map(({ isThere }) => isThere)).toEqual([false, true, true]);
  await vi.waitFor(() => expect(workers[2]?.jobs).toBe(1));
});
