// Every page, in both themes, on a desktop and a phone, by axe; and the theme's own switch.

import { account, chooses, expect, isAccessible, newEmail, PASSWORD, somebody, start, test, wish } from "./page";
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

test("the pages that wait for a code are accessible", async ({ page }) => {
  const email = newEmail();
  await page.goto("/sign-up");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: "Check your e-mail" })).toBeVisible();
  await page.getByLabel("Code from the e-mail").fill("000000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await isAccessible(page);

  const somebodyElse = await account();
  await page.goto("/forgot-password");
  await page.getByLabel("E-mail address").fill(somebodyElse.email);
  await page.getByRole("button", { name: "Send code" }).click();
  await expect(page.getByLabel("New password", { exact: true })).toBeVisible();
  await isAccessible(page);
});

test("a batch that is being edited and one with failures are accessible, with their dialogs", async ({ page }) => {
  test.setTimeout(240_000);
  await somebody(page);
  await page.goto("/new");
  await chooses(page, ["chelsea.png", "rocket.jpg", "coffee.png"].map(sample));
  await wish(page).fill("make it sepia");
  await page.getByRole("button", { name: /^rocket\.jpg: look closer/ }).click();
  await page.getByRole("textbox", { name: "A wish of its own for this photo" }).fill("sepia [[fault:moderation]]");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: /^coffee\.png: look closer/ }).click();
  await page.getByRole("textbox", { name: "A wish of its own for this photo" }).fill("sepia [[fault:slow:45]]");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Remove all" }).click();
  await isAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await start(page, 3).click();

  await expect(page.getByText("1 of 3 done")).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("1 photo could not be edited");
  await page.getByRole("button", { name: "Cancel batch" }).click();
  await isAccessible(page);
  await page.getByRole("button", { name: "Keep going" }).click();
  await isAccessible(page);
  await expect(page.getByText("2 of 3 done")).toBeVisible({ timeout: 90_000 });
  await page.getByRole("button", { name: "Try 1 photo again" }).click();
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await isAccessible(page);
});

test("the return from a checkout and the last question before an account goes are accessible", async ({ page }) => {
  await somebody(page);
  await page.goto("/credits?checkout_id=one-that-is-never-paid");
  await expect(page.getByText("waiting for the payment to be confirmed")).toBeVisible();
  await expect(page.getByText("Welcome")).toBeVisible();
  await isAccessible(page);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await isAccessible(page);
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
});

test("a batch is accessible from its photos to its results", async ({ page }) => {
  test.setTimeout(240_000);
  await somebody(page);
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
