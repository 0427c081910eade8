// A large archive, without the recording of traces, which would be most of the work.

import { unzipSync } from "fflate";
import { changeStatus, expect, finished, somebody, test } from "./page";

test.use({ trace: "off" });

test("200 results are streamed into the file that was chosen, each under its own name", async ({ page }) => {
  test.setTimeout(300_000);
  await somebody(page);
  await finished(page);
  await changeStatus(page, (status) => {
    const [first] = status.images;
    const images = first ? Array.from({ length: 200 }, (_, index) => ({ ...first, index })) : [];
    return { ...status, images, counts: { ...status.counts, total: 200, completed: 200 } };
  });
  await page.addInitScript(() => {
    const picked = async ({ suggestedName }: { suggestedName: string }) =>
      (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
    (window as { showSaveFilePicker?: typeof picked }).showSaveFilePicker = picked;
  });
  await page.reload();
  await page.getByRole("button", { name: "Download all" }).click();
  await expect(page.getByRole("button", { name: /^Packing/ })).toBeVisible();
  await expect(page.getByRole("button", { name: "Download all" })).toBeVisible({ timeout: 180_000 });
  const name = `batch-${page.url().split("/").at(-1)?.slice(0, 8)}.zip`;
  const bytes = await page.evaluate(async (name) => {
    const root = await navigator.storage.getDirectory();
    const reader = new FileReader();
    reader.readAsDataURL(await (await root.getFileHandle(name)).getFile());
    await new Promise((resolve) => reader.addEventListener("load", resolve));
    return String(reader.result).split(",")[1] ?? "";
  }, name);
  const files = unzipSync(Buffer.from(bytes, "base64"));
  expect(Object.keys(files)).toHaveLength(200);
  for (const content of Object.values(files)) expect([...content.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
});
