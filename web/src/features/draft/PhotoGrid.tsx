import { Check, MessageSquareText, RotateCw, X } from "lucide-react";
import { memo } from "react";
import { draft as t } from "../../texts/draft";
import { cn } from "../../ui/cn";
import { useFocusLeft } from "../../ui/useFocusLeft";
import type { Photo } from "./draft";

type Actions = { onOpen: (id: string) => void; onRemove: (id: string) => void; onRetry: (id: string) => void };

export function PhotoGrid({ photos, ...actions }: { photos: readonly Photo[] } & Actions) {
  const list = useFocusLeft<HTMLUListElement>();
  return (
    <ul
      ref={list}
      aria-label={t.photos.label}
      className="grid grid-cols-[repeat(auto-fill,minmax(6.5rem,1fr))] gap-2.5 sm:grid-cols-[repeat(auto-fill,minmax(8.5rem,1fr))]"
    >
      {photos.map((photo) => (
        <Tile key={photo.id} photo={photo} {...actions} />
      ))}
    </ul>
  );
}

function words(photo: Photo): string {
  switch (photo.state) {
    case "uploading":
      return t.photos.uploading(photo.progress);
    case "refused":
      return "";
    default:
      return t.photos[photo.state];
  }
}

const Tile = memo(function Tile({ photo, onOpen, onRemove, onRetry }: { photo: Photo } & Actions) {
  const { id, name, state, thumb, progress } = photo;
  const tile = useFocusLeft<HTMLLIElement>((gone) =>
    (gone.nextElementSibling ?? gone.previousElementSibling)?.querySelector("button"),
  );
  const isMoving = state === "uploading" || state === "preparing" || state === "waiting" || state === "ready";
  return (
    <li
      ref={tile}
      className="tile group relative aspect-square overflow-hidden rounded-2xl bg-sunken ring-1 ring-line"
      data-state={state}
    >
      <button
        type="button"
        aria-label={`${t.photos.open(name)}. ${words(photo)}`}
        onClick={() => onOpen(id)}
        className="absolute inset-0 size-full -outline-offset-3"
      >
        {thumb ? (
          <img
            src={thumb}
            alt=""
            className={cn("size-full object-cover transition-opacity duration-300", isMoving && "opacity-45")}
          />
        ) : (
          <span className="shimmer block size-full" />
        )}
        {isMoving && (
          <span aria-hidden className="absolute inset-x-3 bottom-3 h-1.5 overflow-hidden rounded-full bg-black/60">
            <span className="block h-full bg-accent transition-[width]" style={{ width: `${progress * 100}%` }} />
          </span>
        )}
        {state === "uploaded" && (
          <span
            aria-hidden
            className="absolute bottom-2 left-2 grid size-5 place-items-center rounded-full bg-accent text-on-accent"
          >
            <Check className="size-3.5" strokeWidth={3} />
          </span>
        )}
        {photo.prompt && (
          <span className="absolute right-2 bottom-2 inline-flex items-center gap-1 rounded-full bg-black/75 px-2 py-0.5 text-xs font-medium text-white">
            <MessageSquareText aria-hidden className="size-3" />
            {t.photos.own}
          </span>
        )}
      </button>
      {state === "failed" && (
        <button
          type="button"
          onClick={() => onRetry(id)}
          className="absolute inset-x-2 bottom-2 inline-flex items-center justify-center gap-1.5 rounded-lg bg-bad-soft px-2 py-1.5 text-sm font-semibold text-bad"
        >
          <RotateCw aria-hidden className="size-4" />
          {t.photos.failed}
          <span className="sr-only">{t.photos.retry(name)}</span>
        </button>
      )}
      <button
        type="button"
        aria-label={t.photos.remove(name)}
        onClick={() => onRemove(id)}
        className="absolute top-1.5 right-1.5 grid size-7 place-items-center rounded-full bg-black/70 text-white opacity-0 transition-opacity group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"
      >
        <X aria-hidden className="size-4" />
      </button>
    </li>
  );
});
