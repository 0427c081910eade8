// Before and after, one over the other. A range input carries it, so that it works by touch, mouse and keyboard.

import { ChevronsLeftRight } from "lucide-react";
import { useState } from "react";
import { cn } from "./cn";

type Props = {
  before: string;
  after: string;
  /** The same in other widths, as `srcset` has it. */
  sets?: { before: string; after: string; sizes: string };
  label: string;
  alt: string;
  className?: string;
  start?: number;
  eager?: boolean;
  onBrokenBefore?: () => void;
};

/**
 * A photo of the bucket is asked for as `fetch` asks for it. Otherwise the browser keeps an answer without the headers that
 * a later download needs.
 */
const cors = (src: string) => (src.startsWith("http") ? "anonymous" : undefined);

export function Compare({ before, after, sets, label, alt, className, start = 50, eager, onBrokenBefore }: Props) {
  const [at, setAt] = useState(start);
  const image = "absolute inset-0 size-full object-contain select-none";
  return (
    <div className={cn("group relative isolate overflow-hidden", className)}>
      <img
        src={after}
        crossOrigin={cors(after)}
        srcSet={sets?.after}
        sizes={sets?.sizes}
        alt={alt}
        className={image}
        draggable={false}
        fetchPriority={eager ? "high" : "auto"}
      />
      <img
        src={before}
        crossOrigin={cors(before)}
        onError={onBrokenBefore}
        srcSet={sets?.before}
        sizes={sets?.sizes}
        alt=""
        className={image}
        draggable={false}
        fetchPriority={eager ? "high" : "auto"}
        style={{ clipPath: `inset(0 ${100 - at}% 0 0)` }}
      />
      <div
        aria-hidden
        className="pointer-events-none absolute inset-y-0 w-0.5 -translate-x-1/2 bg-white shadow-[0_0_12px_rgb(0_0_0/0.5)]"
        style={{ left: `${at}%` }}
      >
        <span className="absolute top-1/2 left-1/2 grid size-11 -translate-1/2 place-items-center rounded-full bg-white text-on-accent shadow-lg group-has-focus-visible:ring-4 group-has-focus-visible:ring-accent">
          <ChevronsLeftRight className="size-5" />
        </span>
      </div>
      <input
        type="range"
        min={0}
        max={100}
        step={1}
        value={at}
        aria-label={label}
        onChange={(event) => setAt(Number(event.target.value))}
        className="absolute inset-0 size-full cursor-ew-resize opacity-0"
      />
    </div>
  );
}
