// What a batch costs, by the price list that the API answers: its rule is `PriceTable::price` in `shared/domain`.

import type { Schemas } from "../../api/client";

/** What the size `auto` may become, and is priced as. */
const AUTO_PIXELS = 1536 * 1024;

export type Quality = Schemas["Quality"];

export function priceOf(prices: Schemas["Price"][], quality: Quality, size: string): number | undefined {
  const [width, height] = size.split("x").map(Number);
  const pixels = width && height ? width * height : AUTO_PIXELS;
  const of = (wanted: string) =>
    prices
      .filter((price) => price.quality === wanted && pixels <= price.upToPixels)
      .sort((a, b) => a.upToPixels - b.upToPixels)[0]?.credits;
  if (quality !== "auto") return of(quality);
  const all = ["low", "medium", "high"].flatMap((wanted) => of(wanted) ?? []);
  return all.length ? Math.max(...all) : undefined;
}
