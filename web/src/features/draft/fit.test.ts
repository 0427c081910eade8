import { expect, test } from "vitest";
import { fitForModel, MAX_PIXELS, MAX_SIDE, within } from "./fit";

// The cases of `shared/picture/src/size.rs`: both sides of the wire must agree.
test.each([
  [1, 1, 1, 1],
  [3840, 2160, 3840, 2160],
  [3841, 2160, 3840, 2159],
  [4032, 3024, 3325, 2494],
  [3024, 4032, 2494, 3325],
  [8660, 5773, 3527, 2351],
  [7000, 7000, 2880, 2880],
  [50_000_000, 1, 3840, 1],
  [1, 50_000_000, 1, 3840],
])("%i x %i becomes %i x %i", (width, height, newWidth, newHeight) => {
  expect(fitForModel(width, height)).toEqual({ width: newWidth, height: newHeight });
});

test("every size becomes one that fits", () => {
  for (let width = 1; width < 60_000; width = Math.ceil(width * 1.37)) {
    for (let height = 1; height < 60_000; height = Math.ceil(height * 1.41)) {
      const fitted = fitForModel(width, height);
      expect(Math.max(fitted.width, fitted.height)).toBeLessThanOrEqual(MAX_SIDE);
      expect(fitted.width * fitted.height).toBeLessThanOrEqual(MAX_PIXELS);
      expect(fitForModel(fitted.width, fitted.height)).toEqual(fitted);
    }
  }
});

test("a thumbnail is never larger than its photo", () => {
  expect(within(100, 50, 400)).toEqual({ width: 100, height: 50 });
  expect(within(4000, 3000, 400)).toEqual({ width: 400, height: 300 });
  expect(within(1, 9000, 400)).toEqual({ width: 1, height: 400 });
});
