// Measures what a first visit loads, as gzip, and fails when it is more than the budget.
//
// Knows Vite's manifest: what an entry needs at once is `imports`; `dynamicImports` come later. A first visit is the
// entry and the route that it opens, so every route that somebody may open first is measured.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 120 * 1000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

const gzip = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

function needs(name, found = new Set()) {
  if (!found.has(name)) {
    found.add(name);
    for (const next of manifest[name]?.imports ?? []) needs(next, found);
  }
  return found;
}

const entry = Object.keys(manifest).find((name) => manifest[name]?.isEntry);
if (!entry) throw new Error("the manifest has no entry");
const pages = (manifest[entry]?.dynamicImports ?? []).filter((name) => /Page\.tsx$/.test(name));
const sizes = pages.map((page) => {
  const names = new Set([...needs(entry), ...needs(page)]);
  const files = [...names].flatMap((name) => manifest[name]?.file ?? []);
  return { page, bytes: files.reduce((sum, file) => sum + gzip(file), 0) };
});
const alone = [...needs(entry)]
  .flatMap((name) => manifest[name]?.file ?? [])
  .reduce((sum, file) => sum + gzip(file), 0);
const css = (manifest[entry]?.css ?? []).reduce((sum, file) => sum + gzip(file), 0);

console.log(`\nfirst load, gzip (budget ${kB(BUDGET)} of JavaScript)`);
console.log(`  ${"what every page needs".padEnd(52)} ${kB(alone).padStart(9)}   and ${kB(css)} of styles`);
for (const { page, bytes } of sizes.sort((a, b) => b.bytes - a.bytes)) {
  console.log(
    `  ${page.replace("src/features/", "").padEnd(52)} ${kB(bytes).padStart(9)}${bytes > BUDGET ? "   TOO MUCH" : ""}`,
  );
}
if (pages.length === 0) throw new Error("found no pages to measure");
if (sizes.some(({ bytes }) => bytes > BUDGET)) process.exit(1);
