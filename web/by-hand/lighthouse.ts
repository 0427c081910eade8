// Lighthouse on the pages on which most visits begin: a phone with a slow connection, as Lighthouse has it by default.
// Its performance is worth something on a machine that does nothing else.

import { createServer } from "node:net";
import { chromium } from "@playwright/test";
import lighthouse, { type Result } from "lighthouse";
import { account, expect, test } from "../tests/page";
import { stack } from "../tests/stack";

const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const LEAST = 95;
/** Of an odd number of visits, the one in the middle counts: no two are the same. */
const VISITS = 3;
/** Now and then Chromium records nothing of a visit, and Lighthouse asks to be run again. */
const MOST_TRIES = 6;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

async function measure(url: string, port: number): Promise<Result> {
  const results: Result[] = [];
  for (let tries = 0; results.length < VISITS && tries < MOST_TRIES; tries += 1) {
    const answer = await lighthouse(url, {
      port,
      onlyCategories: CATEGORIES,
      logLevel: "silent",
    });
    if (answer && !answer.lhr.runtimeError) results.push(answer.lhr);
  }
  const speed = ({ categories }: Result) => categories.performance?.score ?? 0;
  const middle = results.sort((a, b) => speed(a) - speed(b))[VISITS >> 1];
  if (results.length < VISITS || !middle) throw new Error("Lighthouse has nothing to say");
  return middle;
}

for (const { path, who } of [
  { path: "/", who: "signed out" },
  { path: "/new", who: "signed in" },
]) {
  test(`${path}, ${who}`, async ({ launchOptions }, info) => {
    const port = await freePort();
    // Lighthouse opens a tab of its own, which sees what is stored in the browser's only profile.
    const profile = info.outputPath("profile");
    const browser = await chromium.launchPersistentContext(profile, {
      ...launchOptions,
      args: [...(launchOptions.args ?? []), `--remote-debugging-port=${port}`],
    });
    try {
      if (who === "signed in") {
        const { session } = await account();
        const page = browser.pages()[0] ?? (await browser.newPage());
        await page.goto(`${stack().url}/favicon.svg`);
        await page.evaluate((session) => localStorage.setItem("bie.session", JSON.stringify(session)), session);
      }
      const { categories, audits } = await measure(`${stack().url}${path}`, port);
      const scores = CATEGORIES.map((id) => Math.round(100 * (categories[id]?.score ?? 0)));
      console.log(`${path} (${who}): ${CATEGORIES.map((id, at) => `${id} ${scores[at]}`).join(", ")}`);
      for (const { title, score, scoreDisplayMode, displayValue } of Object.values(audits)) {
        const counts = score !== null && score < 0.9 && scoreDisplayMode !== "informative";
        if (counts) console.log(`  ${Math.round(100 * score)}  ${title} ${displayValue ?? ""}`);
      }
      expect(Math.min(...scores)).toBeGreaterThanOrEqual(LEAST);
    } finally {
      await browser.close();
    }
  });
}
