import { draft as t } from "../../texts/draft";
import { Choice } from "../../ui/Choice";
import { Switch } from "../../ui/Switch";
import type { Wish } from "./draft";
import { priceOf, type Tariff } from "./price";

export type OptionsProps = { wish: Wish; onWish: (wish: Partial<Wish>) => void; tariff: Tariff | undefined };

const qualities = ["low", "medium", "high"] as const;
const formats = ["jpeg", "png", "webp"] as const;

export default function OptionsForm({ wish, onWish, tariff }: OptionsProps) {
  const sizes = Object.keys(t.options.sizes);
  return (
    <div className="space-y-6">
      <Choice
        label={t.options.quality}
        value={wish.quality}
        onChange={(quality) => onWish({ quality })}
        options={qualities.map((value) => {
          const price = priceOf(tariff, value, wish.size);
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
        options={formats.map((value) => ({
          value,
          label: t.options.formats[value],
          hint: t.options.formatHints[value],
        }))}
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
  );
}
