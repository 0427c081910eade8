// Checks state machine definitions: node asl.mjs FILE...
//
// Knows the Amazon States Language through asl-validator. A definition is a template, whose `${Name}`s
// DefinitionSubstitutions replaces: they get a plausible value here first, so that what is checked is
// what Step Functions will be given.

import { readFileSync } from "node:fs";
import validate from "asl-validator";

const PSEUDO = { AccountId: "123456789012", Partition: "aws", Region: "us-east-1" };
const FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:a-function";

/** A value that could stand for a substitution of this name. */
function plausible(name) {
  if (name in PSEUDO) return PSEUDO[name];
  if (/(Seconds|Minutes|Attempts|Rate|Limit|Count)$/.test(name)) return "30";
  if (/(Table|Bucket|Queue)(Name|Url)?$/.test(name)) return "a-name";
  return FUNCTION;
}

/** What is wrong with a definition, in words. */
function faults(text) {
  let definition;
  try {
    definition = JSON.parse(text.replace(/\$\{(\w+)\}/g, (_, name) => plausible(name)));
  } catch (error) {
    return [error.message];
  }
  const result = validate(definition);
  return result.isValid ? [] : result.errors.map((error) => describe(error));
}

function describe(error) {
  const path = error.path ?? error.instancePath ?? "";
  const code = error["Error code"] ?? error.keyword ?? "";
  return [code, path, error.Message ?? error.message ?? ""].filter(Boolean).join(": ");
}

let failed = false;
for (const file of process.argv.slice(2)) {
  const found = faults(readFileSync(file, "utf8"));
  for (const fault of found) console.error(`${file}: ${fault}`);
  failed ||= found.length > 0;
}
process.exit(failed ? 1 : 0);
