// What a batch costs, by the price list that the API answers: its rule is `PriceTable::price` in `shared/domain`.

import type { Schemas } from "../../api/client";

export type Quality = Schemas["Quality"];
export type Tariff = Pick<Schemas["Account"], "prices" | "autoPixels">;

export function priceOf(tariff: Tariff | undefined, quality: Quality, size: string): number | undefined {
  if (!tariff) return undefined;
  const { prices, autoPixels } = tariff;
  const [width, height] = size.split("x").map(Number);
  const pixels = width && height ? width * height : autoPixels;
  const of = (wanted: string) =>
    prices
      .filter((price) => price.quality === wanted && pixels <= price.upToPixels)
      .sort((a, b) => a.upToPixels - b.upToPixels)[0]?.credits;
  if (quality !== "auto") return of(quality);
  const all = ["low", "medium", "high"].flatMap((wanted) => of(wanted) ?? []);
  return all.length ? Math.max(...all) : undefined;
}
