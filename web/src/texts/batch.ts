import { credits, number, photos, plural } from "./common";

export const batch = {
  title: "Batch",
  untitled: "A wish for each photo",
  showAll: "Show the whole wish",
  showLess: "Show less",
  state: {
    pending: "Waiting for its turn",
    processing: "Being edited",
    completed: "Done",
    failed: "Failed",
    canceled: "Canceled",
    gone: "No longer kept",
  },
  facts: (count: number, spent: number) => `${photos(count)}, ${credits(spent)}`,
  progress: "Progress of the batch",
  done: (done: number, total: number) => `${number(done)} of ${number(total)} done`,
  counts: {
    failed: (count: number) => `${number(count)} failed`,
    canceled: (count: number) => `${number(count)} canceled`,
    processing: (count: number) => `${number(count)} being edited`,
    pending: (count: number) => `${number(count)} waiting`,
  },
  refunded: (count: number) => `${credits(count)} returned`,
  announce: (done: number, total: number) => `${number(done)} of ${number(total)} photos are done.`,
  announceEnd: (done: number, failed: number) =>
    failed
      ? `The batch is over. ${photos(done)} done, ${number(failed)} without a result.`
      : `All ${photos(done)} are done.`,
  paused: "No news at the moment. We keep asking.",
  actions: {
    zip: "Download all",
    zipping: (done: number, total: number) => `Packing ${number(done)} of ${number(total)}`,
    zipFailed: "The archive could not be finished. The results are still here; try again.",
    cancel: "Cancel batch",
    cancelSure: "Cancel this batch?",
    cancelText: (open: number) =>
      `${plural(open, "photo is", "photos are")} not done yet. What is not being edited right now is canceled, and its credits come back at once.`,
    cancelYes: "Cancel the rest",
    cancelNo: "Keep going",
    canceling: "Canceling. What is being edited right now still finishes.",
    retry: (count: number) => `Try ${photos(count)} again`,
    retrySure: (count: number) => `Try ${photos(count)} again?`,
    retryText: (price: number) =>
      `They become a new batch and cost ${credits(price)}. What they cost before has come back.`,
    retryUnpriced: "What they cost is not known yet.",
    retried: "The photos without a result were tried again in a new batch.",
    retriedLink: "Go to it",
    retryOf: "This batch tries photos of an earlier one again.",
    retryOfLink: "Show that one",
    again: "Use this wish again",
  },
  failures: {
    title: (count: number) => `${photos(count)} could not be edited`,
    back: (count: number) => `${credits(count)} came back to you.`,
    canceledBack: (count: number, back: number) => `${photos(count)} canceled, ${credits(back)} returned.`,
  },
  grid: "Photos of this batch",
  photo: (index: number, name: string | undefined) => name ?? `Photo ${number(index + 1)}`,
  open: (name: string, state: string) => `${name}: ${state}. Look closer`,
  viewer: {
    compare: "Compare before and after",
    alt: (name: string) => `${name}, edited`,
    before: "Before",
    after: "After",
    next: "Next photo",
    previous: "Previous photo",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    download: "Download",
    place: (index: number, total: number) => `${number(index + 1)} of ${number(total)}`,
    failed: "The photo could not be downloaded. It is still here; try again.",
    noBefore: "The original is on the device that uploaded it.",
  },
  missing: { title: "There is no such batch", text: "It is not yours, or the address has a typo in it." },
  gone: {
    result: "This result is deleted: results are kept for 90 days.",
    results: (count: number) =>
      `Results are kept for 90 days. ${plural(count, "result of this batch is", "results of this batch are")} deleted.`,
  },
  fresh: "Your batch is on its way. You can close this page: it goes on without you.",
};
