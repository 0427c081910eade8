// The workers that prepare photos: a few, so that 200 photos neither freeze the page nor fill the memory.

import type { RefusalCode } from "./kinds";

export type PrepareJob = { file: Blob; shrink: boolean; convert: boolean; maxFileBytes: number; maxPixels: number };
export type Prepared = {
  blob: Blob;
  thumb: Blob;
  width: number;
  height: number;
  note: "converted" | "shrunk" | undefined;
};
export type Answer = { prepared: Prepared } | { refused: RefusalCode };

export const WORKERS = Math.max(1, Math.min(3, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1));

const idle: Worker[] = [];

export function prepare(job: PrepareJob): Promise<Answer> {
  const worker =
    idle.pop() ?? new Worker(new URL("./prepare.worker.ts", import.meta.url), { type: "module", name: "prepare" });
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      idle.push(worker);
      resolve(data);
    };
    // Out of memory, most likely: the worker is lost, and this photo with it.
    worker.onerror = () => {
      worker.terminate();
      resolve({ refused: "damaged" });
    };
    worker.postMessage(job);
  });
}
