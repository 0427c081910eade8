import { useEffect, useRef, useState } from "react";
import { batch as t } from "../../texts/batch";
import type { Batch } from "./useBatch";

/** No more often than this while it goes on: a screen reader has other things to say. */
const EVERY_MS = 10_000;

/** What a screen reader is told about the progress: now and then, and at the end. */
export function useAnnouncement(batch: Batch | undefined): string {
  const [words, setWords] = useState("");
  const last = useRef({ at: 0, done: -1, wasOpen: false });
  useEffect(() => {
    if (!batch) return;
    const { total, completed, failed, canceled } = batch.counts;
    const isOver = batch.pollAfterMs === 0;
    const { at, done, wasOpen } = last.current;
    if (isOver && wasOpen) {
      setWords(t.announceEnd(completed, failed + canceled));
    } else if (!isOver && completed !== done && Date.now() - at > EVERY_MS) {
      setWords(t.announce(completed, total));
      last.current = { at: Date.now(), done: completed, wasOpen: true };
    }
    last.current.wasOpen = !isOver;
  }, [batch]);
  return words;
}
