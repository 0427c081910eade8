import { Ban, CircleAlert } from "lucide-react";
import { memo, useState } from "react";
import { batch as t } from "../../texts/batch";
import { cn } from "../../ui/cn";
import { type Image, isGone } from "./useBatch";
import { usePreview } from "./usePreview";

type Props = { images: readonly Image[]; onOpen: (index: number) => void; onBroken: () => void };

export function ResultGrid({ images, onOpen, onBroken }: Props) {
  return (
    <ul
      aria-label={t.grid}
      className="grid grid-cols-[repeat(auto-fill,minmax(7rem,1fr))] gap-2.5 sm:grid-cols-[repeat(auto-fill,minmax(11rem,1fr))] sm:gap-4"
    >
      {images.map((image) => (
        <Tile key={image.index} image={image} onOpen={onOpen} onBroken={onBroken} />
      ))}
    </ul>
  );
}

const same = (a: { image: Image }, b: { image: Image }) =>
  a.image.status === b.image.status &&
  a.image.resultUrl === b.image.resultUrl &&
  a.image.error?.code === b.image.error?.code;

const Tile = memo(function Tile({ image, onOpen, onBroken }: Omit<Props, "images"> & { image: Image }) {
  const { index, status, resultUrl, key } = image;
  const [broken, setBroken] = useState<string>();
  const shown = resultUrl === broken ? undefined : resultUrl;
  const preview = usePreview(shown ? undefined : key);
  const state = isGone(image) ? "gone" : status;
  const isOpen = status === "pending" || status === "processing";
  const name = t.photo(index, image.name);
  return (
    <li
      className="tile relative aspect-square overflow-hidden rounded-2xl bg-sunken ring-1 ring-line"
      data-state={status}
    >
      <button
        type="button"
        aria-label={t.open(name, t.state[state])}
        onClick={() => onOpen(index)}
        className="group absolute inset-0 size-full -outline-offset-3"
      >
        {shown ? (
          <img
            src={shown}
            alt=""
            loading="lazy"
            decoding="async"
            crossOrigin="anonymous"
            onError={() => {
              setBroken(shown);
              onBroken();
            }}
            className="appear checker size-full object-cover transition-[scale] duration-300 group-hover:scale-[1.03]"
          />
        ) : preview ? (
          <img
            src={preview}
            alt=""
            className={cn(
              "size-full object-cover grayscale",
              status === "processing" ? "developing opacity-90" : "opacity-40",
            )}
          />
        ) : (
          <span className={cn("block size-full", isOpen && "shimmer")} />
        )}
        {status === "processing" && (
          <span aria-hidden className="absolute inset-x-3 bottom-3 h-1.5 overflow-hidden rounded-full bg-black/60">
            <span className="shimmer block h-full" />
          </span>
        )}
        {(state === "failed" || state === "canceled" || state === "gone") && (
          <span
            className={cn(
              "absolute inset-x-2 bottom-2 inline-flex items-center justify-center gap-1.5 rounded-lg px-2 py-1 text-sm font-semibold",
              state === "failed" ? "bg-bad-soft text-bad" : "bg-surface text-ink-2",
            )}
          >
            {state === "failed" ? (
              <CircleAlert aria-hidden className="size-4" />
            ) : (
              <Ban aria-hidden className="size-4" />
            )}
            {t.state[state]}
          </span>
        )}
      </button>
    </li>
  );
}, same);
