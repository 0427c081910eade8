import { expect, test } from "vitest";
import { ago, bytes, credits, money, photos } from "./common";

test("numbers in words", () => {
  expect([credits(1), credits(1200), photos(0)]).toEqual(["1 credit", "1,200 credits", "0 photos"]);
  expect([bytes(1), bytes(250_000), bytes(4_321_000)]).toEqual(["1 kB", "250 kB", "4.3 MB"]);
  expect([money(600, "usd"), money(600, "jpy")]).toEqual(["$6.00", "¥600"]);
  expect([money(7.5, "usd", 1), money(10, "usd", 1)]).toEqual(["$0.075", "$0.10"]);
});

test("times in words", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  expect(ago("2026-11-24T11:59:50Z", now)).toBe("just now");
  expect(ago("2026-11-24T11:15:00Z", now)).toBe("45 minutes ago");
  expect(ago("2026-11-23T12:00:00Z", now)).toBe("yesterday");
});
