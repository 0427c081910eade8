import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { filesOf, looksLikePhoto } from "./files";

const ACCEPT = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif,image/*,.heic,.heif";

export type Chooser = {
  /** To be on the page all the time: a dialog outlives the button that opened it, and its choice must arrive. */
  inputs: ReactNode;
  chooseFiles: () => void;
  chooseFolder: () => void;
  /** Somebody holds files over the page. */
  isOver: boolean;
};

/** Photos by choosing, dropping anywhere on the page, or pasting. */
export function useChooser(onFiles: (files: File[], unreadable?: string[]) => void): Chooser {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);

  useEffect(() => {
    let depth = 0;
    const carriesFiles = (event: Event) => (event as unknown as DragEvent).dataTransfer?.types.includes("Files");
    const on = <K extends keyof WindowEventMap>(name: K, listener: (event: WindowEventMap[K]) => void) => {
      window.addEventListener(name, listener);
      return () => window.removeEventListener(name, listener);
    };
    const offs = [
      on("dragenter", (event) => {
        if (!carriesFiles(event)) return;
        depth += 1;
        setOver(true);
      }),
      on("dragleave", (event) => {
        if (!carriesFiles(event)) return;
        depth = Math.max(0, depth - 1);
        if (depth === 0) setOver(false);
      }),
      on("dragover", (event) => carriesFiles(event) && event.preventDefault()),
      on("drop", (event) => {
        if (!carriesFiles(event) || !event.dataTransfer) return;
        event.preventDefault();
        depth = 0;
        setOver(false);
        void filesOf(event.dataTransfer).then(({ files, unreadable }) => onFiles(files, unreadable));
      }),
      on("paste", (event) => {
        const pasted = [...(event.clipboardData?.files ?? [])];
        const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
        // Some programs copy a picture of a text beside it: who writes means the text.
        const isText = isTyping && event.clipboardData?.types.includes("text/plain");
        if (pasted.length === 0 || isText) return;
        event.preventDefault();
        onFiles(pasted);
      }),
    ];
    return () => {
      for (const off of offs) off();
    };
  }, [onFiles]);

  const take = (input: HTMLInputElement, filter: (file: File) => boolean) => {
    const chosen = [...(input.files ?? [])].filter(filter);
    // The same file can be chosen again.
    input.value = "";
    if (chosen.length) onFiles(chosen);
  };

  const inputs = (
    <>
      <input
        ref={files}
        type="file"
        multiple
        accept={ACCEPT}
        className="sr-only"
        tabIndex={-1}
        aria-hidden
        data-testid="files"
        onChange={(event) => take(event.currentTarget, () => true)}
      />
      <input
        ref={folder}
        type="file"
        multiple
        className="sr-only"
        tabIndex={-1}
        aria-hidden
        {...{ webkitdirectory: "" }}
        onChange={(event) => take(event.currentTarget, looksLikePhoto)}
      />
    </>
  );
  return {
    inputs,
    chooseFiles: () => files.current?.click(),
    chooseFolder: () => folder.current?.click(),
    isOver,
  };
}
