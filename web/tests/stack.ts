// The running stack, as `stack.json` describes it.

import { readFileSync } from "node:fs";

type Stack = {
  url: string;
  region: string;
  awsEndpoint: string;
  userPoolId: string;
  clientId: string;
  standIns?: Record<string, string>;
};

export function stack(): Stack {
  const file = process.env.STACK ?? new URL("../../target/local/stack.json", import.meta.url).pathname;
  return JSON.parse(readFileSync(file, "utf8"));
}

export const sample = (name: string) => new URL(`../../samples/${name}`, import.meta.url).pathname;
