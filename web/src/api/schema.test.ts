import { readFileSync } from "node:fs";
import openapi, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, test } from "vitest";

const at = (path: string) => new URL(path, import.meta.url);

test("the generated types are those of openapi.json (else: npm run api)", async () => {
  const made = COMMENT_HEADER + astToString(await openapi(at("../../../openapi.json")));
  expect(readFileSync(at("schema.d.ts"), "utf8") === made).toBe(true);
});
