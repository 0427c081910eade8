// Many photos, without the recording of traces, which would be most of the work.

import { writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { api, chooses, expect, somebody, start, test, wish } from "./page";

test.use({ trace: "off" });

type History = { batches: unknown[] };

/**
 * Since the page was loaded: in which part of the time it could answer, what kept it for longest, and what the machine
 * kept a page for that has nothing to do, in milliseconds. That page is also what the part is measured by.
 */
async function answers(page: Page, idle: Page): Promise<{ free: number; longest: number; machine: number }> {
  const { longest, ticks, since } = await page.evaluate(() => {
    const { pulse } = window as { pulse?: { longest: number; ticks: number } };
    return { longest: pulse?.longest ?? 0, ticks: pulse?.ticks ?? 0, since: performance.timeOrigin };
  });
  const beats = await idle.evaluate((since) => {
    const { ticks } = window as { ticks?: number[] };
    return ticks?.filter((tick) => tick > since) ?? [];
  }, since);
  expect(beats.length).toBeGreaterThan((Date.now() - since) / 1_000);
  const machine = Math.max(...beats.slice(1).map((beat, index) => beat - (beats[index] ?? beat)));
  const free = ticks / beats.length;
  const percent = Math.round(free * 100);
  const where = new URL(page.url()).pathname;
  console.log(`${where}: free ${percent}% of the time, longest task ${Math.round(longest)} ms, machine ${machine} ms`);
  return { free, longest, machine };
}

test("200 photos do not freeze the tab, from their choice to their results", async ({ page, context }, info) => {
  test.setTimeout(600_000);
  const idle = await context.newPage();
  await idle.evaluate(() => {
    const ticks: number[] = [];
    Object.assign(window, { ticks });
    setInterval(() => ticks.push(Date.now()), 100);
  });
  await page.bringToFront();
  const { token } = await somebody(page);
  await page.addInitScript(() => {
    const pulse = { longest: 0, ticks: 0 };
    (window as { pulse?: typeof pulse }).pulse = pulse;
    setInterval(() => {
      pulse.ticks += 1;
    }, 100);
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) pulse.longest = Math.max(pulse.longest, duration);
    }).observe({ type: "longtask" });
  });
  await page.goto("/new");
  const photos = await page.evaluate(async () => {
    const made: number[][] = [];
    for (let index = 0; index < 8; index += 1) {
      const canvas = new OffscreenCanvas(1600, 1200);
      const context = canvas.getContext("2d");
      for (let stripe = 0; context && stripe < 40; stripe += 1) {
        context.fillStyle = `hsl(${index * 40 + stripe * 3} 70% 55%)`;
        context.fillRect(stripe * 40, 0, 40, 1200);
      }
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
      made.push([...new Uint8Array(await blob.arrayBuffer())]);
    }
    return made;
  });
  // As files on the disk: handing over bytes would be a long task of the test's own.
  const files = Array.from({ length: 200 }, (_, index) => {
    const path = info.outputPath(`photo-${index}.jpg`);
    writeFileSync(path, Buffer.from(photos[index % photos.length] ?? []));
    return path;
  });
  await chooses(page, files);
  await wish(page).fill("make it sepia");
  await expect(page.locator('[data-state="uploaded"]')).toHaveCount(200, { timeout: 240_000 });
  const chosen = await answers(page, idle);
  expect(chosen.longest).toBeLessThan(1_000 + chosen.machine);
  await expect(page.getByText("190 credits missing")).toBeVisible();
  await expect(page.getByRole("link", { name: "Get credits" })).toHaveAttribute("href", "/credits?need=190");
  expect((await api<History>(token, "/api/batches")).batches).toHaveLength(0);

  await page.getByRole("link", { name: "Get credits" }).click();
  await page.getByRole("button", { name: "Buy 200 credits" }).click();
  await page.getByRole("button", { name: /^Pay \$/ }).click();
  await page.getByRole("link", { name: "Back to your batch" }).click();
  await start(page, 200).click();
  await expect(page).toHaveURL(/\/batches\//);
  await expect(page.getByText("200 of 200 done")).toBeVisible({ timeout: 240_000 });
  const results = page.getByRole("list", { name: "Photos of this batch" });
  await expect(results.locator('[data-state="completed"]')).toHaveCount(200);
  await results.getByRole("button").last().scrollIntoViewIfNeeded();
  await expect(results.getByRole("img").or(results.locator("img")).last()).toBeVisible();
  expect((await answers(page, idle)).free).toBeGreaterThan(1 / 3);
  expect((await api<History>(token, "/api/batches")).batches).toHaveLength(1);
  expect((await api<{ credits: number }>(token, "/api/account")).credits).toBe(10);
});
