import { draft } from "../../texts/draft";
import { options as t } from "../../texts/options";
import { Choice } from "../../ui/Choice";
import { Switch } from "../../ui/Switch";
import { priceOf, type Tariff } from "../account/price";
import type { Wish } from "./draft";

export type OptionsProps = { wish: Wish; onWish: (wish: Partial<Wish>) => void; tariff: Tariff | undefined };

const qualities = ["low", "medium", "high"] as const;
const formats = ["jpeg", "png", "webp"] as const;

export default function OptionsForm({ wish, onWish, tariff }: OptionsProps) {
  const sizes = Object.keys(draft.options.sizes);
  return (
    <div className="space-y-6">
      <Choice
        label={t.quality}
        value={wish.quality}
        onChange={(quality) => onWish({ quality })}
        options={qualities.map((value) => {
          const price = priceOf(tariff, value, wish.size);
          return { value, label: draft.options.qualities[value], hint: price !== undefined && t.perPhoto(price) };
        })}
      />
      <Choice
        label={t.size}
        value={wish.size}
        onChange={(size) => onWish({ size })}
        options={sizes.map((value) => ({ value, label: draft.options.sizes[value], hint: t.sizeHint(value) }))}
      />
      <Choice
        label={t.format}
        value={wish.format}
        onChange={(format) => onWish({ format })}
        options={formats.map((value) => ({
          value,
          label: draft.options.formats[value],
          hint: t.formatHints[value],
        }))}
      />
      <Switch label={t.shrink} hint={t.shrinkHint} checked={wish.shrink} onChange={(shrink) => onWish({ shrink })} />
      <Switch
        label={t.convert}
        hint={t.convertHint}
        checked={wish.convert}
        onChange={(convert) => onWish({ convert })}
      />
    </div>
  );
}
