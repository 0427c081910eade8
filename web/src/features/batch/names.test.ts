import { expect, test } from "vitest";
import { resultNames } from "./names";

test("results are called like their photos", () => {
  const names = ["IMG_1.HEIC", "img_1.jpg", undefined, "../../etc/pass:wd.png", ".hidden.png", "no ending"];
  expect(
    resultNames(
      names.map((name, index) => ({ index, name })),
      "jpeg",
    ),
  ).toEqual(["IMG_1.jpg", "img_1 (2).jpg", "photo-003.jpg", "_.._etc_pass_wd.jpg", "hidden.jpg", "no ending.jpg"]);
});
