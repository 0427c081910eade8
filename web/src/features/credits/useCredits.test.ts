import { expect, test, vi } from "vitest";

vi.mock("../account/session", () => ({}));
vi.mock("../account/useAccount", () => ({}));
const { arrived } = await import("./useCredits");

const NOW = Date.parse("2026-03-01T12:00:00Z");
const entry = (id: string, kind: string, minutesAgo: number) => ({
  id,
  kind: kind as "order",
  amount: 50,
  createdAt: new Date(NOW - minutesAgo * 60_000).toISOString(),
});

test("only what has come since the buyer left is theirs to wait for", () => {
  const before = [entry("order#1", "order", 2), entry("welcome", "welcome", 9)];
  expect(arrived(before, "order#1", NOW)).toBeUndefined();
  expect(arrived([entry("order#2", "order", 0), ...before], "order#1", NOW)?.id).toBe("order#2");
  // Something else has come first.
  expect(arrived([entry("debit#1", "debit", 0), ...before], "order#1", NOW)).toBeUndefined();
  // Nothing was there before, or it is no longer among the newest.
  expect(arrived(before, "", NOW)?.id).toBe("order#1");
});

test("who left from another tab is told of a recent order", () => {
  expect(arrived([entry("order#1", "order", 2)], null, NOW)?.id).toBe("order#1");
  expect(arrived([entry("order#1", "order", 6)], null, NOW)).toBeUndefined();
});
