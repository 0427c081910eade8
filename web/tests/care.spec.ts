// What goes wrong on the way, and must not cost anybody anything.

import { api, chooses, expect, somebody, start, test, wish } from "./page";
import { sample, stack } from "./stack";

type History = { batches: { batchId: string; counts: { total: number } }[] };

test("a double click, a lost answer and a reload are one batch", async ({ page }) => {
  const { token } = await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("make it sepia");
  await expect(start(page, 1)).toBeEnabled();

  // The first request gets through, and its answer is lost.
  const keys: (string | undefined)[] = [];
  let lose = true;
  await page.route("**/api/images/generate", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (!lose) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await start(page, 1).dblclick();
  await expect.poll(() => keys.length).toBeGreaterThan(0);
  lose = false;
  await page.reload();

  await expect(page).toHaveURL(/\/batches\//);
  await expect(page.getByText("1 of 1 done")).toBeVisible();
  expect(new Set(keys).size).toBe(1);
  expect(keys.length).toBeGreaterThan(1);
  const { batches } = await api<History>(token, "/api/batches");
  expect(batches).toHaveLength(1);
  expect((await api<{ credits: number }>(token, "/api/account")).credits).toBe(9);
});

test("a reload in mid-upload goes on, and so does one in mid-batch", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  // Two photos get through; the others hang until the reload.
  let puts = 0;
  await page.route(`${stack().awsEndpoint}/**`, async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    puts += 1;
    if (puts <= 2) return route.continue();
  });
  const names = ["chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"];
  await chooses(page, names.map(sample));
  await wish(page).fill("sepia [[fault:slow:2]]");
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(2);
  await expect.poll(() => puts).toBe(4);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.reload();

  await expect(wish(page)).toHaveValue("sepia [[fault:slow:2]]");
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(4);
  await start(page, 4).click();
  await expect(page).toHaveURL(/\/batches\//);
  await page.reload();
  await expect(page.getByText("4 of 4 done")).toBeVisible();
});

test("an upload whose answer is lost is there, and is not sent a third time", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  let puts = 0;
  await page.route(`${stack().awsEndpoint}/**`, async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    puts += 1;
    if (puts > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await chooses(page, [sample("chelsea.png")]);
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(1);
  expect(puts).toBe(2);
});

test("files that are no photos are refused with the reason, and HEIC and large ones are made fit", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  const big = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(5000, 4000);
    canvas.getContext("2d")?.fillRect(0, 0, 2500, 4000);
    const blob = await canvas.convertToBlob({ type: "image/jpeg" });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  await chooses(page, [
    { name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("these are notes") },
    { name: "loop.gif", mimeType: "image/gif", buffer: Buffer.from("GIF89a..................") },
    { name: "cut.png", mimeType: "image/png", buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) },
    { name: "big.jpg", mimeType: "image/jpeg", buffer: Buffer.from(big) },
  ]);
  await chooses(page, new URL("astronaut.heic", import.meta.url).pathname);
  const refused = page.getByRole("alert");
  await expect(refused).toContainText("3 photos can’t be edited");
  await expect(refused).toContainText("notes.jpg This is not a photo that we know.");
  await expect(refused).toContainText("GIFs can’t be edited");
  await expect(refused).toContainText("cut.png The file is damaged");
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(2);
  await page.getByRole("button", { name: /^big\.jpg/ }).click();
  await expect(page.getByRole("dialog")).toContainText("3219 × 2575");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^astronaut\.heic/ }).click();
  await expect(page.getByRole("dialog")).toContainText("converted to JPEG");
});

test("offline, everything typed and chosen is kept, and goes on afterwards", async ({ page, context }) => {
  await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("make it sepia");
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(1);
  await context.setOffline(true);
  await start(page, 1).click();
  await expect(page.getByRole("alert")).toContainText("We did not hear whether your batch has started");
  await expect(wish(page)).toHaveValue("make it sepia");
  await context.setOffline(false);
  await expect(page).toHaveURL(/\/batches\//);
});
