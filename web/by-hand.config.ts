// What people run and look at, not what a test run checks: `npm run lighthouse`, `npm run screenshots`.

import { defineConfig } from "@playwright/test";
import config from "./playwright.config";

export default defineConfig(config, {
  testDir: "by-hand",
  testMatch: "*.ts",
  timeout: 900_000,
  use: { trace: "off", screenshot: "off" },
  projects: ["lighthouse", "screenshots"].map((name) => ({ name, testMatch: `${name}.ts` })),
});
