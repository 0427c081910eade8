// Every page, light and dark, on a phone and a desktop, into `screenshots/`: to be looked at.

import type { Page } from "@playwright/test";
import {
  account,
  changeStatus,
  chooses,
  expect,
  newEmail,
  PASSWORD,
  PHONE,
  somebody,
  start,
  test,
  wish,
} from "../tests/page";
import { sample } from "../tests/stack";

const SIZES = { phone: PHONE, desktop: { width: 1280, height: 860 } };
const PHOTOS = ["chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"].map(sample);

async function shoot(page: Page, name: string) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.evaluate(async () => {
        await new Promise(requestAnimationFrame);
        await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
        // Pictures further down are loaded when somebody comes near.
        const images = [...document.images];
        for (const image of images) image.loading = "eager";
        await Promise.allSettled(images.map((image) => image.decode()));
      });
      await page.screenshot({
        path: `screenshots/${name}-${size}-${colorScheme}.png`,
        fullPage: !name.endsWith("-dialog"),
      });
    }
  }
}

const title = (page: Page, name?: string) =>
  expect(page.getByRole("heading", { level: 1, ...(name && { name }) })).toBeVisible();

test("signed out", async ({ page }) => {
  for (const [name, path] of [
    ["landing", "/"],
    ["sign-in", "/sign-in"],
    ["sign-up", "/sign-up"],
    ["forgot", "/forgot-password"],
    ["not-found", "/nowhere"],
    ["callback", "/auth/callback"],
  ] as const) {
    await page.goto(path);
    await title(page);
    await page.waitForLoadState("networkidle");
    await shoot(page, name);
  }
  await page.goto("/sign-up");
  await page.getByLabel("E-mail address").fill(newEmail());
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await title(page, "Check your e-mail");
  await shoot(page, "confirm");
  await page.goto("/forgot-password");
  await page.getByLabel("E-mail address").fill((await account()).email);
  await page.getByRole("button", { name: "Send code" }).click();
  await expect(page.getByLabel("New password", { exact: true })).toBeVisible();
  await shoot(page, "forgot-code");
  await page.route("**/config.json", async (route) => {
    const config = await (await route.fetch()).json();
    await route.fulfill({ json: { ...config, googleSignIn: true, cognitoDomain: "example.com" } });
  });
  await page.goto("/sign-in");
  await expect(page.getByRole("button", { name: "Continue with Google" })).toBeVisible();
  await shoot(page, "sign-in-google");
});

test("signed in", async ({ page }) => {
  await somebody(page);
  for (const [name, path, heading] of [
    ["new-empty", "/new", "New batch"],
    ["history-empty", "/batches", "History"],
    ["credits", "/credits?need=43", "Credits"],
    ["credits-returned", "/credits?checkout_id=none", "Credits"],
    ["settings", "/settings", "Settings"],
    ["no-such-batch", "/batches/00000000-0000-0000-0000-000000000000", "There is no such batch"],
  ] as const) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
    await page.waitForLoadState("networkidle");
    await shoot(page, name);
  }
  await page.getByRole("link", { name: "Settings" }).last().click();
  await page.getByRole("button", { name: "Delete my account" }).click();
  await shoot(page, "delete-dialog");

  await page.goto("/new");
  await chooses(page, [...PHOTOS, sample("PROVENANCE.md")]);
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(4);
  await page.getByText("Quality, size and format").click();
  await wish(page).fill("Turn it into a watercolour with a white border");
  await shoot(page, "new");
  await page.getByRole("button", { name: /^chelsea\.png/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await shoot(page, "photo-dialog");
  await page.getByRole("textbox", { name: "A wish of its own for this photo" }).fill("sepia [[fault:moderation]]");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: /^coffee\.png/ }).click();
  await page.getByRole("textbox", { name: "A wish of its own for this photo" }).fill("sepia [[fault:slow:45]]");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await start(page, 4).click();

  await expect(page.getByText("2 of 4 done")).toBeVisible();
  await expect(page.getByRole("alert")).toBeVisible();
  await shoot(page, "batch-open");
  await page.getByRole("button", { name: "Cancel batch" }).click();
  await shoot(page, "cancel-dialog");
  await page.getByRole("button", { name: "Keep going" }).click();
  await expect(page.getByText("3 of 4 done")).toBeVisible({ timeout: 120_000 });
  await shoot(page, "batch");
  await page.getByRole("list", { name: "Photos of this batch" }).getByRole("button").nth(2).click();
  await expect(page.getByRole("slider")).toBeVisible();
  await shoot(page, "viewer-dialog");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "History" }).last().click();
  await expect(page.getByRole("link", { name: /watercolour/ })).toBeVisible();
  await page.waitForLoadState("networkidle");
  await shoot(page, "history");
  await changeStatus(page, (status) => ({
    ...status,
    images: status.images.map(({ resultUrl: _, sourceUrl: __, ...image }) => image),
  }));
  await page.getByRole("link", { name: /watercolour/ }).click();
  await page.reload();
  await expect(page.getByText("Results are kept for 90 days")).toBeVisible();
  await shoot(page, "batch-expired");
});
