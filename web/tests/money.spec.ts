// Credits bought, settings kept, an account deleted.

import { api, chooses, expect, isAccessible, isForgotten, latch, PASSWORD, somebody, start, test, wish } from "./page";
import { sample } from "./stack";

test("a pack is bought when the credits do not suffice, and the batch is still there", async ({ page }) => {
  const { token } = await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png"), sample("rocket.jpg")]);
  await wish(page).fill("make it sepia");
  await page.getByText("Quality, size and format").click();
  await page.getByRole("radio", { name: /^Best/ }).click();
  await page.getByRole("radio", { name: /^4K landscape/ }).click();
  await expect(page.getByText(/credits? missing/)).toBeVisible();
  await page.getByRole("link", { name: "Get credits" }).click();
  await expect(page.getByText("Your photos and your wish are waiting.")).toBeVisible();

  await page.getByRole("button", { name: /^Buy / }).first().click();
  // The seller's page, which is not ours.
  await page.getByRole("button", { name: /^Pay \$/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "have arrived" })).toBeVisible();
  await isAccessible(page);
  const { credits } = await api<{ credits: number }>(token, "/api/account");
  expect(credits).toBeGreaterThan(10);
  await expect(page.getByRole("link", { name: `${credits} credits left` })).toBeVisible();
  await expect(page.getByRole("cell", { name: `+${credits - 10}` })).toBeVisible();

  await page.getByRole("link", { name: "Back to your batch" }).click();
  await expect(wish(page)).toHaveValue("make it sepia");
  await start(page, 2).click();
  await expect(page).toHaveURL(/\/batches\//);
});

test("settings are kept: mail and a webhook with its secret", async ({ page }) => {
  await somebody(page);
  await page.goto("/settings");
  const mail = page.getByRole("switch", { name: "Send me e-mail" });
  await expect(mail).toBeChecked();
  await mail.click();
  await expect(mail).not.toBeChecked();
  await page.getByLabel("Address").fill("not an address");
  await page.getByRole("button", { name: "Save address" }).click();
  await expect(page.getByRole("alert")).toContainText("has to be an https address");
  await page.getByLabel("Address").fill("https://example.com/done");
  // The switch is faster than the service.
  const switched = latch();
  await page.route("**/api/account/settings", async (route) => {
    if (route.request().method() === "PUT") await switched.opened;
    return route.continue();
  });
  await page.getByRole("button", { name: "Save address" }).click();
  await mail.click();
  await expect(mail).toBeChecked();
  switched.open();
  await page.getByRole("button", { name: "Reveal" }).click();
  await expect(page.getByText(/^whsec_/)).toBeVisible();
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.reload();
  await expect(mail).toBeChecked();
  await expect(page.getByLabel("Address")).toHaveValue("https://example.com/done");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByText("Signing secret")).toHaveCount(0);
});

test("an address that is typed as soon as it can be is kept", async ({ page }) => {
  await somebody(page);
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      const field = document.querySelector<HTMLInputElement>("input[type=url]");
      if (!field) return;
      observer.disconnect();
      // As the browser does it, past React's own property.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, "https://example.com/");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    observer.observe(document, { childList: true, subtree: true });
  });
  await page.goto("/settings");
  await page.getByRole("button", { name: "Save address" }).click();
  await expect(page.getByText("Signing secret")).toBeVisible();
  await expect(page.getByLabel("Address")).toHaveValue("https://example.com/");
});

test("an account is deleted only by its own address, and is gone then", async ({ page }) => {
  const { email } = await somebody(page);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByLabel("Your e-mail address, to confirm").fill("someone.else@example.com");
  await page.getByRole("button", { name: "Delete everything" }).click();
  await expect(page.getByRole("alert")).toContainText("not the address of your account");
  await page.getByLabel("Your e-mail address, to confirm").fill(email);
  await page.getByRole("button", { name: "Delete everything" }).click();
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  await expect(page.getByText("Your account is closed")).toBeVisible();
  await expect.poll(() => isForgotten(email), { timeout: 60_000 }).toBe(true);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("password is wrong");
});
