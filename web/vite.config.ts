import { existsSync, readFileSync } from "node:fs";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The front door of a running stack (`cargo xtask up`): it has the API and the page's config.json. */
function frontDoor(): string {
  const file = process.env.STACK ?? "../target/local/stack.json";
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).url : "http://127.0.0.1:8080";
}

/** Its package names the build for development, whatever is asked for: that one carries its warnings everywhere. */
const ROUTER = new URL("node_modules/react-router/dist/production/index.mjs", import.meta.url).pathname;

/** What most pages are made of. */
const SHARED = /\/src\/(ui|api)\/|\/draft\/saved|lucide-react|preload-helper/;

/** Pages on which most visits begin, and what else is needed there at once. */
const FIRST_PAGES = {
  "/": {
    page: "LandingPage",
    images: ["hero-before-small.webp", "hero-before.webp", "hero-after-small.webp", "hero-after.webp"],
  },
  "/new": { page: "NewBatchPage", images: [] },
};

/** Writes `start.js`, which fetches a first page beside the entry that will ask for it, instead of after it. */
function startEarly(): Plugin {
  return {
    name: "start-early",
    apply: "build",
    transformIndexHtml: () => [{ tag: "script", attrs: { src: "/start.js", async: true }, injectTo: "head" }],
    generateBundle(_, bundle) {
      const files = Object.values(bundle);
      const chunks = files.flatMap((file) => (file.type === "chunk" ? [file] : []));
      const withImports = (name: string, found = new Set<string>()): Set<string> => {
        if (!found.has(name)) {
          found.add(name);
          for (const next of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) withImports(next, found);
        }
        return found;
      };
      const entry = withImports(chunks.find(({ isEntry }) => isEntry)?.fileName ?? "");
      const early = Object.entries(FIRST_PAGES).map(([path, { page, images }]) => {
        const chunk = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(`/${page}.tsx`));
        if (!chunk) this.error(`start-early: there is no ${page}`);
        const modules = [...withImports(chunk.fileName)].filter((name) => !entry.has(name));
        const pictures = images.map((image) => {
          const asset = files.find((file) => file.type === "asset" && file.names.includes(image));
          if (!asset) this.error(`start-early: there is no ${image}`);
          return asset.fileName;
        });
        return [path, { modules, pictures }];
      });
      const source = `// Written by vite.config.ts.
const early = ${JSON.stringify(Object.fromEntries(early))};
const signedIn = localStorage.getItem("bie.session");
const found = early[location.pathname === "/" && signedIn ? "/new" : location.pathname];
const link = (attributes) => document.head.append(Object.assign(document.createElement("link"), attributes));
for (const name of found?.modules ?? []) link({ rel: "modulepreload", href: "/" + name, crossOrigin: "" });
for (let at = 0; at < (found?.pictures.length ?? 0); at += 2) {
  const [small, large] = found.pictures.slice(at, at + 2);
  link({ rel: "preload", as: "image", imageSrcset: \`/\${small} 720w, /\${large} 960w\`, imageSizes: "(min-width: 64rem) 40rem, 94vw", fetchPriority: "high" });
}
`;
      this.emitFile({ type: "asset", fileName: "start.js", source });
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), startEarly()],
  resolve: { alias: [{ find: /^react-router$/, replacement: ROUTER }] },
  server: { proxy: { "/api": frontDoor(), "/config.json": frontDoor() } },
  worker: { format: "es" },
  build: {
    // An image inside a script is loaded by everybody who loads the script.
    assetsInlineLimit: 0,
    manifest: true,
    rolldownOptions: {
      // What several pages share is one file: many small ones are larger together.
      output: { codeSplitting: { groups: [{ name: "shared", test: SHARED, minShareCount: 3 }] } },
    },
    target: "es2023",
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
