import { ChevronDown } from "lucide-react";
import { Suspense, useState } from "react";
import { draft as t } from "../../texts/draft";
import { later } from "../../ui/later";
import { Skeleton } from "../../ui/Skeleton";
import type { OptionsProps } from "./OptionsForm";

const OptionsForm = later(() => import("./OptionsForm"));

/** What costs more, and how photos are prepared. Folded up, and loaded when unfolded: the defaults are good. */
export function OptionsBox(props: OptionsProps) {
  const [isOpen, setIsOpen] = useState(false);
  const { quality, size, format } = props.wish;
  return (
    <details
      className="group rounded-2xl border border-line bg-surface"
      onToggle={(event) => setIsOpen(event.currentTarget.open)}
    >
      <summary className="flex min-h-14 list-none items-center justify-between gap-4 rounded-2xl px-4 py-2 font-medium [&::-webkit-details-marker]:hidden">
        <span>
          {t.options.title}
          <span className="block text-sm font-normal text-ink-2">
            {t.options.qualities[quality]}, {(t.options.sizes[size] ?? size).toLowerCase()}, {t.options.formats[format]}
          </span>
        </span>
        <ChevronDown aria-hidden className="size-5 shrink-0 transition-transform group-open:rotate-180" />
      </summary>
      {isOpen && (
        <div className="border-t border-line p-4">
          <Suspense fallback={<Skeleton className="h-96" />}>
            <OptionsForm {...props} />
          </Suspense>
        </div>
      )}
    </details>
  );
}
