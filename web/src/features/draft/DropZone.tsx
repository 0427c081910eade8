import { FolderOpen, ImagePlus } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { draft as t } from "../../texts/draft";
import { Button } from "../../ui/Button";
import { cn } from "../../ui/cn";
import { useFocusLeft } from "../../ui/useFocusLeft";
import { filesOf, looksLikePhoto } from "./files";

const ACCEPT = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif,image/*,.heic,.heif";

type Props = { onFiles: (files: File[], unreadable?: string[]) => void; small: boolean; most: number };

/** Photos by choosing, dropping anywhere on the page, or pasting. */
export function DropZone({ onFiles, small, most }: Props) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const zone = useFocusLeft<HTMLDivElement>();

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

  return (
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
      {small ? (
        <div className="flex gap-2">
          <Button size="s" icon={<ImagePlus aria-hidden className="size-4" />} onClick={() => files.current?.click()}>
            {t.drop.more}
          </Button>
          <Button
            size="s"
            look="quiet"
            className="pointer-coarse:hidden"
            icon={<FolderOpen aria-hidden className="size-4" />}
            onClick={() => folder.current?.click()}
          >
            {t.drop.folder}
          </Button>
        </div>
      ) : (
        <div
          ref={zone}
          className={cn(
            "grid min-h-72 place-items-center rounded-3xl border-2 border-dashed border-line-strong bg-surface p-8 text-center transition-colors sm:min-h-96",
            over && "border-accent bg-accent-soft",
          )}
        >
          <div className="space-y-5">
            <Stack />
            <div className="space-y-1">
              <h2 className="text-2xl font-semibold">
                <span className="pointer-coarse:hidden">{t.drop.title}</span>
                <span className="hidden pointer-coarse:inline">{t.drop.titleTouch}</span>
              </h2>
              <p className="text-ink-2 pointer-coarse:hidden">{t.drop.text}</p>
            </div>
            <div className="flex flex-wrap justify-center gap-3">
              <Button
                look="primary"
                icon={<ImagePlus aria-hidden className="size-5" />}
                onClick={() => files.current?.click()}
              >
                {t.drop.files}
              </Button>
              <Button
                className="pointer-coarse:hidden"
                icon={<FolderOpen aria-hidden className="size-5" />}
                onClick={() => folder.current?.click()}
              >
                {t.drop.folder}
              </Button>
            </div>
            <p className="text-sm text-ink-2">{t.drop.formats(most)}</p>
          </div>
        </div>
      )}
      {over && small && (
        <div className="pointer-events-none fixed inset-3 z-40 grid place-items-center rounded-3xl border-4 border-dashed border-accent bg-bg/80 text-3xl font-semibold backdrop-blur-sm">
          {t.drop.over}
        </div>
      )}
    </>
  );
}

/** Three prints on a table. */
function Stack() {
  const print =
    "absolute inset-0 rounded-lg border-[5px] border-b-[12px] border-white shadow-[0_2px_10px_rgb(0_0_0/0.25)]";
  return (
    <div aria-hidden className="relative mx-auto size-20">
      <div className={cn(print, "-translate-x-5 translate-y-1 -rotate-14 bg-[#8a9aa5]")} />
      <div className={cn(print, "translate-x-5 translate-y-1 rotate-12 bg-[#c9b79c]")} />
      <div className={cn(print, "-rotate-2 bg-accent")} />
    </div>
  );
}
