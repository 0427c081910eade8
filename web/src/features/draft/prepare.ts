// The workers that prepare photos: a few, so that 200 photos neither freeze the page nor fill the memory.

import type { RefusalCode } from "./kinds";

export type PrepareJob = { file: Blob; shrink: boolean; convert: boolean; maxFileBytes: number; maxPixels: number };
export type Prepared = {
  blob: Blob;
  thumb: Blob;
  width: number;
  height: number;
  note?: "converted" | "convertedToWebP" | "shrunk" | undefined;
};
/** `notLoaded` says nothing about the photo: the worker, or a part of it, could not be fetched. */
export type Outcome = { prepared: Prepared } | { refused: RefusalCode } | { notLoaded: true };
/** What a worker says: first that it is there, then one outcome for each photo. */
export type Answer = Outcome | { loaded: true };

export const WORKERS = Math.max(1, Math.min(3, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1));

type Tool = { worker: Worker; isLoaded: boolean };

let tools = 0;
const idle: Tool[] = [];
const waiting: ((tool: Tool) => void)[] = [];

function make(): Tool {
  const worker = new Worker(new URL("./prepare.worker.ts", import.meta.url), { type: "module", name: "prepare" });
  return { worker, isLoaded: false };
}

/** A photo that was taken away still has its worker until that is done, so there may be none left for the next. */
function take(): Tool | Promise<Tool> {
  const tool = idle.pop();
  if (tool) return tool;
  if (tools === WORKERS) return new Promise((resolve) => waiting.push(resolve));
  tools += 1;
  return make();
}

function giveBack(tool: Tool) {
  const next = waiting.shift();
  if (next) next(tool);
  else idle.push(tool);
}

/** With it goes what it remembers of parts that did not come. */
function throwAway({ worker }: Tool) {
  worker.terminate();
  const next = waiting.shift();
  if (next) next(make());
  else tools -= 1;
}

export async function prepare(job: PrepareJob): Promise<Outcome> {
  const tool = await take();
  return new Promise((resolve) => {
    tool.worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("loaded" in data) {
        tool.isLoaded = true;
        return;
      }
      if ("notLoaded" in data) throwAway(tool);
      else giveBack(tool);
      resolve(data);
    };
    // Once it is there: out of memory, most likely, and this photo is lost with it.
    tool.worker.onerror = () => {
      throwAway(tool);
      resolve(tool.isLoaded ? { refused: "damaged" } : { notLoaded: true });
    };
    tool.worker.postMessage(job);
  });
}
