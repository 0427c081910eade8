// How photos and wishes come to the table: dropped, pasted, out of folders, made fit, from what was saved.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { chooses, expect, somebody, test, wish } from "./page";
import { sample } from "./stack";

const uploaded = (page: Page) => page.locator('[data-state="uploaded"]');

/** Two photos, one of them a level down, among what is none. */
function folder(path: string): string {
  mkdirSync(`${path}/trip/day two`, { recursive: true });
  copyFileSync(sample("chelsea.png"), `${path}/trip/chelsea.png`);
  copyFileSync(sample("rocket.jpg"), `${path}/trip/day two/rocket.jpg`);
  writeFileSync(`${path}/trip/notes.txt`, "these are notes");
  writeFileSync(`${path}/trip/.hidden.jpg`, "and this is the system's");
  return `${path}/trip`;
}

/** As from the desktop: the page gets a real drop of what is at these paths. */
async function drops(page: Page, files: string[]) {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await devtools.send("Input.dispatchDragEvent", { type, x: 300, y: 400, data });
  }
}

test("photos can be dropped, also a folder of them", async ({ page }, info) => {
  await somebody(page);
  await page.goto("/new");
  await expect(page.getByText("up to 500 at a time")).toBeVisible();
  await drops(page, [sample("coffee.png")]);
  await expect(uploaded(page)).toHaveCount(1);
  await drops(page, [folder(info.outputPath())]);
  await expect(uploaded(page)).toHaveCount(3);
  await expect(page.getByRole("button", { name: /^rocket\.jpg/ })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a file that cannot be read costs nobody but itself", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  await expect(page.getByText("up to 500 at a time")).toBeVisible();
  const photo = [...readFileSync(sample("rocket.jpg"))];
  await page.evaluate((photo) => {
    const file = (name: string, read: FileSystemFileEntry["file"]) => ({
      name,
      isFile: true,
      isDirectory: false,
      file: read,
    });
    const good = file("rocket.jpg", (done) =>
      done(new File([new Uint8Array(photo)], "rocket.jpg", { type: "image/jpeg" })),
    );
    const bad = file("gone.jpg", (_, fail) => fail?.(new DOMException("no", "NotFoundError")));
    const batches = [[bad, good], []];
    const entry = {
      name: "trip",
      isFile: false,
      isDirectory: true,
      createReader: () => ({ readEntries: (done: (entries: unknown[]) => void) => done(batches.shift() ?? []) }),
    };
    const event = new DragEvent("drop", { cancelable: true });
    const items = [{ webkitGetAsEntry: () => entry }];
    Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], files: [], items } });
    window.dispatchEvent(event);
  }, photo);
  await expect(uploaded(page)).toHaveCount(1);
  await expect(page.getByRole("alert")).toContainText("gone.jpg The file could not be read.");
});

test("a folder can be chosen", async ({ page }, info) => {
  await somebody(page);
  await page.goto("/new");
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose a folder" }).click();
  await (await choosing).setFiles(folder(info.outputPath()));
  await expect(uploaded(page)).toHaveCount(2);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("what is chosen arrives, although other photos came while the dialog was open", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose photos" }).click();
  const dialog = await choosing;
  await chooses(page, [sample("chelsea.png")]);
  await expect(uploaded(page)).toHaveCount(1);
  await dialog.setFiles(sample("coffee.png"));
  await expect(uploaded(page)).toHaveCount(2);
});

test("a photo can be pasted, and text is still pasted as text", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  const pastes = (text?: string) =>
    page.evaluate(
      ({ photo, text }) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([new Uint8Array(photo)], "image.png", { type: "image/png" }));
        if (text) clipboardData.setData("text/plain", text);
        const event = new ClipboardEvent("paste", { clipboardData, cancelable: true, bubbles: true });
        document.activeElement?.dispatchEvent(event);
        return event.defaultPrevented;
      },
      { photo: [...readFileSync(sample("chelsea.png"))], text },
    );
  await wish(page).focus();
  // As a spreadsheet copies its cells.
  expect(await pastes("sepia")).toBe(false);
  expect(await pastes()).toBe(true);
  await expect(uploaded(page)).toHaveCount(1);
  await expect(page.getByRole("button", { name: /^image\.png/ })).toBeVisible();
  await page.evaluate(() => document.execCommand("insertText", false, "make it sepia"));
  await expect(wish(page)).toHaveValue("make it sepia");
});

test("a wish of one's own is kept, used again, taken back and removed", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  await wish(page).fill("make it look like a stamp");
  await page.getByRole("button", { name: "Save this wish" }).click();
  await wish(page).fill("something else");
  await page.reload();
  await expect(wish(page)).toHaveValue("something else");
  const own = page.getByRole("button", { name: "make it look like a stamp", exact: true });
  await own.click();
  await expect(wish(page)).toHaveValue("make it look like a stamp");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(wish(page)).toHaveValue("something else");
  await page.getByRole("button", { name: "Remove “make it look like a stamp”" }).click();
  await expect(own).toHaveCount(0);
  await page.reload();
  await expect(wish(page)).toHaveValue("something else");
  await expect(own).toHaveCount(0);
});

test("what is typed stands where the caret is", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  const types = async (box: Locator) => {
    await box.pressSequentially("make it sepia");
    await box.press("Home");
    await box.pressSequentially("please ");
    await expect(box).toHaveValue("please make it sepia");
  };
  await types(wish(page));
  await page.getByRole("button", { name: /^chelsea\.png: look closer/ }).click();
  await types(page.getByRole("textbox", { name: "A wish of its own for this photo" }));
});

test("whoever takes photos off the table by keyboard goes on from there", async ({ page }) => {
  await somebody(page);
  await page.goto("/new");
  await page.getByRole("button", { name: "Choose photos" }).focus();
  await chooses(page, ["chelsea.png", "coffee.png", "rocket.jpg"].map(sample));
  await expect(uploaded(page)).toHaveCount(3);
  await expect(page.getByRole("main")).toBeFocused();
  const tile = (name: string) => page.getByRole("button", { name: `${name}: look closer` });
  await page.getByRole("button", { name: "Remove coffee.png" }).press("Enter");
  await expect(tile("rocket.jpg")).toBeFocused();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).press("Enter");
  await expect(tile("chelsea.png")).toBeFocused();
  await page.getByRole("button", { name: "Remove chelsea.png" }).press("Enter");
  await expect(page.getByText("Drop your photos here")).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
});

/** Four pixels, one of them transparent. */
function transparentBmp(): Buffer {
  const header = Buffer.alloc(14 + 108);
  header.write("BM");
  header.writeUInt32LE(header.length + 16, 2);
  header.writeUInt32LE(header.length, 10);
  header.writeUInt32LE(108, 14);
  header.writeInt32LE(2, 18);
  header.writeInt32LE(2, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(32, 28);
  header.writeUInt32LE(3, 30);
  header.writeUInt32LE(16, 34);
  for (const [index, mask] of [0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000].entries()) {
    header.writeUInt32LE(mask, 54 + 4 * index);
  }
  return Buffer.concat([header, Buffer.from([0, 0, 255, 255, 0, 0, 255, 255, 0, 255, 0, 255, 0, 0, 0, 0])]);
}

test("photos are shrunk and converted unless somebody does not want it", async ({ page }) => {
  // A smaller limit than the service's, so that the files of this test can be small, too.
  await page.route("**/api/account", async (route) => {
    const answer = await route.fetch();
    const account = await answer.json();
    await route.fulfill({
      json: { ...account, limits: { ...account.limits, maxFileBytes: 200_000, maxImagesPerBatch: 7 } },
    });
  });
  await somebody(page);
  await page.goto("/new");
  await expect(page.getByText("up to 7 at a time")).toBeVisible();
  const big = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(5000, 4000);
    canvas.getContext("2d")?.fillRect(0, 0, 2500, 4000);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.5 });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  const shrink = page.getByRole("switch", { name: "Shrink large photos before upload" });
  const convert = page.getByRole("switch", { name: "Convert HEIC, AVIF and BMP" });
  await page.getByText("Quality, size and format").click();
  await shrink.click();
  await convert.click();

  await chooses(page, [
    { name: "big.jpg", mimeType: "image/jpeg", buffer: Buffer.from(big) },
    { name: "clear.bmp", mimeType: "image/bmp", buffer: transparentBmp() },
  ]);
  // The table is another one with the first photo on it, and so is what opens the chooser.
  await expect(uploaded(page)).toHaveCount(1);
  await chooses(page, [sample("chelsea.png"), new URL("astronaut.heic", import.meta.url).pathname]);
  const refused = page.getByRole("alert");
  await expect(refused).toContainText("chelsea.png This file is larger than 200 kB. Turn on “Shrink”");
  await expect(refused).toContainText("astronaut.heic HEIC, AVIF and BMP are converted first.");
  await expect(refused).toContainText("clear.bmp HEIC, AVIF and BMP are converted first.");

  await shrink.click();
  await convert.click();
  await expect(uploaded(page)).toHaveCount(4);
  await expect(refused).toHaveCount(0);
  for (const [name, said] of [
    ["big.jpg", "5000 × 4000"],
    ["chelsea.png", "shrunk from 241 kB"],
    ["astronaut.heic", "converted to JPEG"],
    ["clear.bmp", "converted to WebP"],
  ] as const) {
    await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
    await expect(page.getByRole("dialog")).toContainText(said);
    await page.keyboard.press("Escape");
  }
});
