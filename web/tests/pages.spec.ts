// Every page, in both themes, by axe; and the theme's own switch.

import { chooses, expect, isAccessible, somebody, start, test, wish } from "./page";
import { sample } from "./stack";

test.describe("signed out", () => {
  for (const path of ["/", "/sign-in", "/sign-up", "/forgot-password", "/nowhere"]) {
    test(`${path} is accessible`, async ({ page }) => {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await isAccessible(page);
    });
  }
});

test("every page for people who are signed in is accessible", async ({ page }) => {
  test.setTimeout(240_000);
  await somebody(page);
  for (const [path, heading] of [
    ["/new", "New batch"],
    ["/batches", "History"],
    ["/credits?need=3", "Credits"],
    ["/settings", "Settings"],
    ["/batches/00000000-0000-0000-0000-000000000000", "There is no such batch"],
  ] as const) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
    await page.waitForLoadState("networkidle");
    await isAccessible(page);
  }

  await page.goto("/new");
  await chooses(page, [sample("chelsea.png"), sample("rocket.jpg"), sample("PROVENANCE.md")]);
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(2);
  await page.getByText("Quality, size and format").click();
  await wish(page).fill("make it sepia [[fault:moderation:1]]");
  await isAccessible(page);
  await page.getByRole("button", { name: /^chelsea\.png/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await wish(page).fill("make it sepia");
  await start(page, 2).click();
  await expect(page.getByText("2 of 2 done")).toBeVisible();
  await isAccessible(page);
  await page.getByRole("list", { name: "Photos of this batch" }).getByRole("button").first().click();
  await expect(page.getByRole("slider")).toBeVisible();
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await page.goto("/batches");
  await expect(page.getByRole("link", { name: /make it sepia/ })).toBeVisible();
  await isAccessible(page);
});

test("the theme can be chosen, and stays", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await somebody(page);
  await page.goto("/settings");
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  expect(await background()).toBe("rgb(245, 245, 243)");
  await page.getByRole("radio", { name: "Dark" }).click();
  expect(await background()).toBe("rgb(19, 20, 21)");
  await page.reload();
  expect(await background()).toBe("rgb(19, 20, 21)");
});

test("all of a batch can be put together by keyboard", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(1);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  for (let tab = 0; tab < 40; tab += 1) {
    await page.keyboard.press("Tab");
    if (await wish(page).evaluate((node) => node === document.activeElement)) break;
  }
  await page.keyboard.type("make it sepia");
  for (let tab = 0; tab < 20; tab += 1) {
    await page.keyboard.press("Tab");
    if (await start(page, 1).evaluate((node) => node === document.activeElement)) break;
  }
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/batches\//);
});
