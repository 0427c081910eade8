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
  // Lost until then: a try that is heard just before would be over with.
  await page.reload();
  lose = false;

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
  // It may be bought: what is in it stays, and more is for the next one.
  await expect(page.getByRole("button", { name: "Remove chelsea.png" })).toBeDisabled();
  await chooses(page, [sample("rocket.jpg")]);
  await expect(page.getByRole("button", { name: /^rocket\.jpg/ })).toBeVisible();
  await expect(start(page, 1)).toBeVisible();
  await context.setOffline(false);
  await expect(page).toHaveURL(/\/batches\//);
});

test("a submit takes what is in it: an upload that failed says why, and stays with its wish", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  let puts = 0;
  await page.route(`${stack().awsEndpoint}/**`, async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    puts += 1;
    if (puts > 1) return route.continue();
    return route.fulfill({ status: 400, headers: { "access-control-allow-origin": "*" } });
  });
  await chooses(page, [sample("chelsea.png"), sample("rocket.jpg")]);
  await wish(page).fill("make it sepia");
  await expect(page.locator('[data-state="failed"]')).toHaveCount(1);
  await expect(page.getByRole("alert")).toContainText("The storage has refused it.");
  await start(page, 1).click();
  await expect(page.getByText("1 of 1 done")).toBeVisible();

  await page.getByRole("link", { name: "New batch" }).first().click();
  await expect(wish(page)).toHaveValue("make it sepia");
  await page.getByRole("button", { name: "Try the failed ones again" }).click();
  await start(page, 1).click();
  await expect(page.getByText("1 of 1 done")).toBeVisible();
  await page.getByRole("link", { name: "New batch" }).first().click();
  await expect(page.getByText("Drop your photos here")).toBeVisible();
  await expect(wish(page)).toHaveValue("");
});

test("two tabs are two batches, also when one has not heard of its own", async ({ page, context }) => {
  const { token } = await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("make it sepia");
  await page.route("**/api/images/generate", (route) => route.abort("connectionreset"));
  await start(page, 1).click();
  await expect(page.getByRole("alert")).toContainText("We did not hear whether your batch has started");

  const second = await context.newPage();
  await second.goto("/new");
  await expect(second.getByText("Another tab has a batch on the table already.")).toBeVisible();
  await chooses(second, [sample("rocket.jpg"), sample("coffee.png")]);
  await wish(second).fill("make it blue");
  // A reload with a request on its way takes that one up again, in this tab too.
  let lost = 0;
  await second.route("**/api/images/generate", async (route) => {
    lost += 1;
    await route.fetch();
    return route.abort("connectionreset");
  });
  await start(second, 2).click();
  await expect.poll(() => lost).toBeGreaterThan(0);
  await second.reload();
  await second.unrouteAll({ behavior: "ignoreErrors" });
  await expect(second.getByText("2 of 2 done")).toBeVisible();

  await expect(page.getByRole("button", { name: /^chelsea\.png/ })).toBeVisible();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("1 of 1 done")).toBeVisible();
  const { batches } = await api<History>(token, "/api/batches");
  expect(batches.map(({ counts }) => counts.total).sort()).toEqual([1, 2]);
});

test("photos chosen offline are no worse for it, and neither is a HEIC whose decoder does not come", async ({
  page,
  context,
}) => {
  await somebody(page);
  await page.goto("/new");
  await expect(page.getByText("Drop your photos here")).toBeVisible();
  // The browser's own "offline" does not reach the scripts of workers.
  await context.setOffline(true);
  await page.route("**/prepare.worker-*", (route) => route.abort("internetdisconnected"));
  await chooses(page, [sample("chelsea.png")]);
  await expect(page.locator('[data-state="failed"]')).toHaveCount(1);
  await expect(page.getByRole("alert")).toContainText("What prepares photos could not be loaded");
  await page.unrouteAll();
  await context.setOffline(false);
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(1);

  await page.route("**/libheif*.wasm", (route) => route.fulfill({ status: 404, body: "gone" }));
  await chooses(page, new URL("astronaut.heic", import.meta.url).pathname);
  await expect(page.locator('[data-state="failed"]')).toHaveCount(1);
  await page.unrouteAll();
  await page.getByRole("button", { name: "Upload astronaut.heic again" }).click();
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(2);
});

test("offline, a page that was not loaded yet says so, and comes afterwards", async ({ page, context }) => {
  await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(1);
  await context.setOffline(true);
  await page.getByText("Quality, size and format").click();
  await expect(page.getByRole("alert")).toContainText("This part of the page did not load");
  await page.getByRole("link", { name: "History" }).first().click();
  await expect(page.getByRole("alert")).toContainText("You are offline. It comes when you are back");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert")).toContainText("You are offline");
  await context.setOffline(false);
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  await page.getByRole("link", { name: "New batch" }).first().click();
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(1);
});

test("what the account's service says is said", async ({ page }) => {
  await somebody(page);
  await page.route("**/api/account", (route) => route.fulfill({ status: 503, json: { code: "busy" } }));
  await page.goto("/new");
  await expect(page.getByRole("alert")).toContainText("Something went wrong on our side");
});
