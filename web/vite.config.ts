import { existsSync, readFileSync } from "node:fs";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The front door of a running stack (`cargo xtask up`): it has the API and the page's config.json. */
function frontDoor(): string {
  const file = process.env.STACK ?? "../target/local/stack.json";
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).url : "http://127.0.0.1:8080";
}

export default defineConfig({
  plugins: [react(), tailwindcss()],
  server: { proxy: { "/api": frontDoor(), "/config.json": frontDoor() } },
  worker: { format: "es" },
  build: {
    // An image inside a script is loaded by everybody who loads the script.
    assetsInlineLimit: 0,
    manifest: true,
    target: "es2023",
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
