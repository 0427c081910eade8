import { ChevronDown } from "lucide-react";
import type { Schemas } from "../../api/client";
import { draft as t } from "../../texts/draft";
import { Choice } from "../../ui/Choice";
import { Switch } from "../../ui/Switch";
import type { Wish } from "./draft";
import { priceOf } from "./price";

type Props = { wish: Wish; onWish: (wish: Partial<Wish>) => void; prices: Schemas["Price"][] };

const qualities = ["low", "medium", "high"] as const;
const formats = ["jpeg", "png", "webp"] as const;

/** What costs more, and how photos are prepared. Folded up: the defaults are good. */
export function OptionsBox({ wish, onWish, prices }: Props) {
  const sizes = Object.keys(t.options.sizes);
  return (
    <details className="group rounded-2xl border border-line bg-surface">
      <summary className="flex min-h-14 list-none items-center justify-between gap-4 rounded-2xl px-4 font-medium [&::-webkit-details-marker]:hidden">
        <span>
          {t.options.title}
          <span className="block text-sm font-normal text-ink-2">
            {t.options.qualities[wish.quality]}, {(t.options.sizes[wish.size] ?? wish.size).toLowerCase()}, {t.options.formats[wish.format]}
          </span>
        </span>
        <ChevronDown aria-hidden className="size-5 transition-transform group-open:rotate-180" />
      </summary>
      <div className="space-y-6 border-t border-line p-4">
        <Choice
          label={t.options.quality}
          value={wish.quality}
          onChange={(quality) => onWish({ quality })}
          options={qualities.map((value) => {
            const price = priceOf(prices, value, wish.size);
            return { value, label: t.options.qualities[value], hint: price !== undefined && t.options.perPhoto(price) };
          })}
        />
        <Choice
          label={t.options.size}
          value={wish.size}
          onChange={(size) => onWish({ size })}
          options={sizes.map((value) => ({ value, label: t.options.sizes[value], hint: t.options.sizeHint(value) }))}
        />
        <Choice
          label={t.options.format}
          value={wish.format}
          onChange={(format) => onWish({ format })}
          options={formats.map((value) => ({ value, label: t.options.formats[value], hint: t.options.formatHints[value] }))}
        />
        <Switch
          label={t.options.shrink}
          hint={t.options.shrinkHint}
          checked={wish.shrink}
          onChange={(shrink) => onWish({ shrink })}
        />
        <Switch
          label={t.options.convert}
          hint={t.options.convertHint}
          checked={wish.convert}
          onChange={(convert) => onWish({ convert })}
        />
      </div>
    </details>
  );
}
