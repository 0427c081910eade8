// A batch that is followed, looked at and taken home: what is asked for, how often, and what happens when it is not there.

import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import type { components } from "../src/api/schema";
import { api, changeStatus, chooses, expect, finished, somebody, start, test, wish } from "./page";
import { sample, stack } from "./stack";

type Account = components["schemas"]["Account"];

const photos = (page: Page) => page.getByRole("list", { name: "Photos of this batch" }).getByRole("button");

test("what has not changed is told as that", async ({ page }) => {
  await somebody(page);
  const told: number[] = [];
  page.on("response", (answer) => {
    if (answer.url().endsWith("/status")) told.push(answer.status());
  });
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("sepia [[fault:slow:5]]");
  await start(page, 1).click();
  await expect.poll(() => told).toContain(304);
  await expect(page.getByText("1 of 1 done")).toBeVisible();
  expect(told.every((status) => status === 200 || status === 304)).toBe(true);
});

test("a batch that does not exist is said to be none, once", async ({ page }) => {
  await page.clock.install();
  await somebody(page);
  let asked = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/status")) asked += 1;
  });
  await page.goto(`/batches/${randomUUID()}`);
  await expect(page.getByRole("heading", { name: "There is no such batch" })).toBeVisible();
  await page.clock.runFor(30_000);
  expect(asked).toBe(1);
});

test("a second try is offered at today's price", async ({ page }) => {
  const { token } = await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("sepia [[fault:moderation]]");
  await start(page, 1).click();
  await expect(page.getByRole("alert")).toContainText("1 credit came back to you");
  const account = await api<Account>(token, "/api/account");
  const prices = account.prices.map((price) => ({ ...price, credits: price.credits * 3 }));
  await page.route("**/api/account", (route) => route.fulfill({ json: { ...account, prices } }));
  await page.reload();
  await page.getByRole("button", { name: "Try 1 photo again" }).click();
  await expect(page.getByRole("dialog")).toContainText("cost 3 credits");
});

test("a hidden tab does not ask", async ({ page }) => {
  await somebody(page);
  await finished(page);
  await changeStatus(page, (status) => ({ ...status, pollAfterMs: 1_000 }));
  // Counted where it is asked: the browser tells of a request a moment later.
  await page.addInitScript(() => {
    const real = window.fetch;
    const count = { asked: 0 };
    Object.assign(window, { count });
    window.fetch = (asked, init) => {
      if ((asked instanceof Request ? asked.url : String(asked)).endsWith("/status")) count.asked += 1;
      return real(asked, init);
    };
  });
  const asked = () => page.evaluate(() => (window as { count?: { asked: number } }).count?.asked ?? 0);
  const passes = async (ms: number) => {
    await page.clock.runFor(ms);
    return asked();
  };
  const show = (state: "visible" | "hidden") =>
    page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, state);
  await page.clock.install();
  await page.reload();
  await expect.poll(() => passes(1_500)).toBeGreaterThan(2);
  await show("hidden");
  const before = await asked();
  expect(await passes(60_000)).toBe(before);
  await show("visible");
  await expect.poll(() => passes(1_500)).toBeGreaterThan(before + 1);
});

test("results that are deleted are said to be, and not offered", async ({ page }) => {
  await somebody(page);
  await finished(page);
  await changeStatus(page, (status) => ({
    ...status,
    images: status.images.map(({ resultUrl: _, sourceUrl: __, ...image }) => image),
  }));
  await page.reload();
  await expect(page.getByText("Results are kept for 90 days. 1 result of this batch is deleted.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Download all" })).toHaveCount(0);
  await page.getByRole("button", { name: /No longer kept/ }).click();
  await expect(page.getByRole("dialog")).toContainText("This result is deleted");
});

test("a dead link is renewed once, not for ever", async ({ page }) => {
  await somebody(page);
  await finished(page);
  // What is asked for until the page is loaded anew does not count, so there is none of it left.
  const photo = photos(page).first().locator("img");
  const isThere = (image: HTMLImageElement) => /^http/.test(image.src) && image.complete && image.naturalWidth > 0;
  await expect.poll(() => photo.evaluate(isThere)).toBe(true);
  let asked = 0;
  await changeStatus(page, (status) => {
    asked += 1;
    return status;
  });
  let fetched = 0;
  await page.route(`${stack().awsEndpoint}/**/results/**`, (route) => {
    fetched += 1;
    return route.fulfill({ status: 404, headers: { "access-control-allow-origin": stack().url } });
  });
  await page.reload();
  await expect.poll(() => asked).toBe(2);
  // What is left to show is how the photo looked when it was chosen.
  await expect(photo).toHaveAttribute("src", /^blob:/);
  expect(asked).toBe(2);
  expect(fetched).toBeLessThanOrEqual(2);
});

test("when the upload is deleted, the photo is compared with how it looked here", async ({ page }) => {
  await somebody(page);
  await finished(page);
  await page.route(`${stack().awsEndpoint}/**/uploads/**`, (route) =>
    route.fulfill({ status: 404, headers: { "access-control-allow-origin": stack().url } }),
  );
  await page.reload();
  await photos(page).first().click();
  await expect(page.getByRole("dialog").locator("img").nth(1)).toHaveAttribute("src", /^blob:/);
});

test("one photo is downloaded after it was compared, and a failure says so", async ({ page }) => {
  await somebody(page);
  await finished(page);
  await photos(page).first().click();
  const dialog = page.getByRole("dialog");
  // Asked for with CORS, as the download asks: what the browser keeps of it serves both.
  for (const image of await dialog.locator("img").all())
    await expect(image).toHaveAttribute("crossorigin", "anonymous");
  const downloading = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download" }).click();
  expect((await downloading).suggestedFilename()).toBe("chelsea.jpg");
  await page.route(`${stack().awsEndpoint}/**/results/**`, (route) =>
    route.fulfill({ status: 403, headers: { "access-control-allow-origin": stack().url } }),
  );
  await dialog.getByRole("button", { name: "Download" }).click();
  await expect(dialog.getByRole("alert")).toContainText("could not be downloaded");
  await expect(dialog.getByRole("button", { name: "Download" })).not.toHaveAttribute("aria-busy", "true");
});

test("the focus comes back from a photo, and arrows move one that is zoomed", async ({ page }) => {
  await somebody(page);
  await finished(page, ["chelsea.png", "coffee.png"]);
  await photos(page).nth(1).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("2 of 2", { exact: true })).toBeVisible();
  await dialog.getByRole("button", { name: "Zoom in" }).click();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await expect(dialog.getByText("2 of 2", { exact: true })).toBeVisible();
  expect(
    await dialog.locator("[tabindex='0']").evaluate(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]),
  ).toEqual([80, 80]);
  await dialog.getByRole("button", { name: "Zoom out" }).click();
  await page.keyboard.press("ArrowRight");
  await expect(dialog.getByText("1 of 2", { exact: true })).toBeVisible();
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(photos(page).nth(1)).toBeFocused();
});

test("who thinks better of it gets no archive, and a browser that refuses to choose a file one all the same", async ({
  page,
}) => {
  await somebody(page);
  await page.addInitScript(() => {
    const refusals = ["AbortError", "SecurityError"];
    const refuse = async () => {
      throw new DOMException("no", refusals.shift());
    };
    (window as { showSaveFilePicker?: typeof refuse }).showSaveFilePicker = refuse;
  });
  await finished(page);
  let downloads = 0;
  page.on("download", () => {
    downloads += 1;
  });
  const all = page.getByRole("button", { name: "Download all" });
  await all.click();
  await expect(all).not.toHaveAttribute("aria-busy", "true");
  expect(downloads).toBe(0);
  await all.click();
  await expect.poll(() => downloads).toBe(1);
});
