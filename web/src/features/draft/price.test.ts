import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { priceOf } from "./price";

// The list and the cases of `shared/domain/src/price.rs`.
const prices: Schemas["Price"][] = [
  { quality: "low", upToPixels: 1_600_000, credits: 1 },
  { quality: "medium", upToPixels: 1_600_000, credits: 1 },
  { quality: "medium", upToPixels: 4_194_304, credits: 2 },
  { quality: "medium", upToPixels: 8_294_400, credits: 3 },
  { quality: "high", upToPixels: 1_600_000, credits: 4 },
  { quality: "high", upToPixels: 8_294_400, credits: 12 },
];

test.each([
  ["medium", "auto", 1],
  ["low", "1024x1024", 1],
  ["medium", "2048x2048", 2],
  ["medium", "3840x2160", 3],
  ["high", "auto", 4],
  ["auto", "3840x2160", 12],
  ["low", "3840x2160", undefined],
] as const)("%s at %s costs %s", (quality, size, expected) => {
  expect(priceOf(prices, quality, size)).toBe(expected);
});
