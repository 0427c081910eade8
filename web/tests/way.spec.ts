// The whole way: from a stranger to a folder of edited photos.

import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { unzipSync } from "fflate";
import { api, CODE, chooses, expect, newEmail, PASSWORD, RESET_CODE, somebody, start, test, wish } from "./page";
import { sample } from "./stack";

test("sign up, edit photos, compare, download all of them", ({ page }) => wholeWay(page));

/** Nothing hangs out at the side. */
async function fits(page: Page) {
  const overhang = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await expect.poll(overhang).toBeLessThanOrEqual(0);
}

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
  test("sign up, edit photos, compare, download all of them", ({ page }) => wholeWay(page));
});

async function wholeWay(page: Page) {
  const email = newEmail();
  await page.goto("/");
  await page.getByRole("link", { name: "Start with free credits" }).click();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();

  await page.getByLabel("Code from the e-mail").fill("000000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByRole("alert")).toContainText("That code is not right");
  await page.getByLabel("Code from the e-mail").fill(CODE);
  await page.getByRole("button", { name: "Confirm" }).click();

  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();
  await chooses(page, [sample("chelsea.png"), sample("coffee.png"), sample("rocket.jpg")]);
  await fits(page);
  await page.getByRole("button", { name: "Black and white" }).click();
  await expect(page.getByTestId("total")).toHaveText("3 credits");
  await expect(page.getByText("You have 10 credits")).toBeVisible();
  await start(page, 3).click();

  await expect(page).toHaveURL(/\/batches\/[0-9a-f-]{36}$/);
  await expect(page.getByText("3 of 3 done")).toBeVisible();
  await fits(page);
  await expect(page.getByRole("link", { name: "7 credits left" })).toBeVisible();

  const tiles = page.getByRole("list", { name: "Photos of this batch" }).getByRole("button");
  await tiles.first().click();
  const slider = page.getByRole("slider", { name: "Compare before and after" });
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await expect(slider).toHaveValue("51");
  await page.getByRole("button", { name: "Next photo" }).click();
  await expect(page.getByText("2 of 3", { exact: true })).toBeVisible();
  await page.keyboard.press("Escape");

  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download all" }).click();
  const download = await downloading;
  const files = unzipSync(readFileSync(await download.path()));
  expect(Object.keys(files)).toHaveLength(3);
  for (const content of Object.values(files)) expect([...content.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);

  await page.getByRole("link", { name: "History" }).first().click();
  await expect(page.getByRole("link", { name: /classic black and white/ })).toBeVisible();
  await page.getByRole("searchbox").fill("nothing of that kind");
  await expect(page.getByRole("status").filter({ hasText: "No batch with" })).toBeVisible();

  await page.getByRole("link", { name: "Settings" }).first().click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.goto("/batches");
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("password is wrong");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
}

test("a forgotten password is replaced by code", async ({ page }) => {
  const { email } = await somebody(page);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByRole("button", { name: "Send code" }).click();
  await page.getByLabel("Code from the e-mail").fill(RESET_CODE);
  await page.getByLabel("New password", { exact: true }).fill("another ten characters");
  await page.getByRole("button", { name: "Set new password" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Your password is changed" })).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill("another ten characters");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();
});

test("photos that fail say why, give their credits back, and can be tried again", async ({ page }) => {
  const { token } = await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png"), sample("rocket.jpg")]);
  await wish(page).fill("make it sepia");
  await page.getByRole("button", { name: /^rocket\.jpg: look closer/ }).click();
  await page.getByRole("textbox", { name: "A wish of its own for this photo" }).fill("sepia [[fault:moderation]]");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await start(page, 2).click();

  await expect(page.getByText("1 of 2 done")).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("1 photo could not be edited. 1 credit came back to you.");
  await expect(page.getByRole("alert")).toContainText("content rules");
  await expect(page.getByRole("link", { name: "9 credits left" })).toBeVisible();
  expect((await api<{ credits: number }>(token, "/api/account")).credits).toBe(9);

  const first = page.url();
  await page.getByRole("button", { name: "Try 1 photo again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Try 1 photo again" }).click();
  await expect(page).not.toHaveURL(first);
  await expect(page.getByText("0 of 1 done")).toBeVisible();
  await page.getByRole("link", { name: "Show that one" }).click();
  await expect(page.getByText("were tried again in a new batch")).toBeVisible();
  await expect(page.getByRole("button", { name: "Try 1 photo again" })).toHaveCount(0);

  await page.getByRole("link", { name: "New batch" }).first().click();
  await wish(page).fill("something half-way typed");
  await page.goBack();
  await page.getByRole("button", { name: "Use this wish again" }).click();
  await expect(wish(page)).toHaveValue("make it sepia");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(wish(page)).toHaveValue("something half-way typed");
});

test("a token that has run out is renewed, whether the page knows it or only the service", async ({ page }) => {
  const { email } = await somebody(page);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();

  const session = () => page.evaluate(() => JSON.parse(localStorage.getItem("bie.session") ?? "null"));
  for (const spoiled of [{ expiresAt: Date.now() - 1000 }, { idToken: "not.a.token" }]) {
    const spoil = { ...(await session()), ...spoiled };
    await page.evaluate((spoil) => localStorage.setItem("bie.session", JSON.stringify(spoil)), spoil);
    const renewal = page.waitForRequest((request) => /refresh_?token/i.test(request.postData() ?? ""));
    await page.reload();
    await renewal;
    await expect(page.getByRole("link", { name: "10 credits left" })).toBeVisible();
    await expect.poll(async () => (await session()).expiresAt).toBeGreaterThan(Date.now());
    expect((await session()).idToken).toMatch(/^ey/);
  }
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("make it sepia");
  await start(page, 1).click();
  await expect(page.getByText("1 of 1 done")).toBeVisible();
});

test("a batch is canceled, and what was waiting comes back", async ({ page }) => {
  const { token } = await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png"), sample("rocket.jpg")]);
  await wish(page).fill("sepia [[fault:slow:12]]");
  await start(page, 2).click();
  await page.getByRole("button", { name: "Cancel batch" }).click();
  await page.getByRole("button", { name: "Cancel the rest" }).click();
  // What is at the provider already is waited for.
  await expect(page.getByRole("button", { name: "Cancel batch" })).toHaveCount(0, { timeout: 60_000 });
  const { credits } = await api<{ credits: number }>(token, "/api/account");
  const { batches } = await api<{ batches: { counts: { completed: number } }[] }>(token, "/api/batches");
  expect(credits).toBe(10 - (batches[0]?.counts.completed ?? 0));
});
