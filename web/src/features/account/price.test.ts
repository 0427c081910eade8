import { expect, test } from "vitest";
import { priceOf, type Tariff } from "./price";

// The list and the cases of `shared/domain/src/price.rs`.
const prices: Tariff["prices"] = [
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
  expect(priceOf({ prices, autoPixels: 1_572_864 }, quality, size)).toBe(expected);
});

test("auto is priced as what the service says that it may become", () => {
  expect(priceOf({ prices, autoPixels: 1_600_001 }, "medium", "auto")).toBe(2);
  expect(priceOf(undefined, "medium", "auto")).toBeUndefined();
});
