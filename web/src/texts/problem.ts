import type { Problem } from "../api/problem";
import { common } from "./common";

/** What to tell people: the API's own words where it has some, for they say what to do. */
export function sayProblem(problem: Problem): string {
  if (problem.status === 0) return common.problem.offline;
  if (problem.status === 401) return common.problem.unauthenticated;
  if (problem.status >= 500) return common.problem.server;
  const detail = problem.wire.errors?.[0]?.detail ?? problem.detail;
  return detail
    ? `${detail.charAt(0).toUpperCase()}${detail.slice(1)}${/[.!?]$/.test(detail) ? "" : "."}`
    : common.problem.unknown;
}
