import { FolderOpen, ImagePlus } from "lucide-react";
import { draft as t } from "../../texts/draft";
import { Button } from "../../ui/Button";
import { cn } from "../../ui/cn";
import { useFocusLeft } from "../../ui/useFocusLeft";
import type { Chooser } from "./useChooser";

/** The whole table, while nothing lies on it. */
export function DropZone({ chooser, most }: { chooser: Chooser; most: number }) {
  const zone = useFocusLeft<HTMLDivElement>();
  return (
    <div
      ref={zone}
      className={cn(
        "grid min-h-72 place-items-center rounded-3xl border-2 border-dashed border-line-strong bg-surface p-8 text-center transition-colors sm:min-h-96",
        chooser.isOver && "border-accent bg-accent-soft",
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
          <Button look="primary" icon={<ImagePlus aria-hidden className="size-5" />} onClick={chooser.chooseFiles}>
            {t.drop.files}
          </Button>
          <Button
            className="pointer-coarse:hidden"
            icon={<FolderOpen aria-hidden className="size-5" />}
            onClick={chooser.chooseFolder}
          >
            {t.drop.folder}
          </Button>
        </div>
        <p className="text-sm text-ink-2">{t.drop.formats(most)}</p>
      </div>
    </div>
  );
}

/** Beside the photos that lie there already. */
export function MorePhotos({ chooser }: { chooser: Chooser }) {
  return (
    <>
      <div className="flex gap-2">
        <Button size="s" icon={<ImagePlus aria-hidden className="size-4" />} onClick={chooser.chooseFiles}>
          {t.drop.more}
        </Button>
        <Button
          size="s"
          look="quiet"
          className="pointer-coarse:hidden"
          icon={<FolderOpen aria-hidden className="size-4" />}
          onClick={chooser.chooseFolder}
        >
          {t.drop.folder}
        </Button>
      </div>
      {chooser.isOver && (
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
