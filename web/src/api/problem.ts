// Why a call failed: what the API said, or that nothing was heard.

import type { components } from "./schema";

type Wire = Partial<components["schemas"]["Problem"]> & { message?: string };

export class Problem extends Error {
  constructor(
    /** 0 if there was no answer. */
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly wire: Wire = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = "Problem";
  }

  /** No answer, or one that leaves open whether anything happened. */
  get isUncertain(): boolean {
    return this.status === 0 || this.status >= 500;
  }

  /** Whether the API itself says so: what stands before it knows no codes. */
  get isFromApi(): boolean {
    return this.wire.code !== undefined;
  }

  static async of(answer: Response, body: unknown): Promise<Problem> {
    const wire = (typeof body === "object" && body !== null ? body : {}) as Wire;
    return new Problem(answer.status, wire.code ?? `http_${answer.status}`, wire.detail ?? wire.message ?? "", wire);
  }

  static from(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof Error && error.name === "AccountError") {
      return new Problem(
        error.message === "ended" ? 401 : 0,
        error.message === "ended" ? "unauthenticated" : "offline",
        "",
      );
    }
    return new Problem(0, "offline", "");
  }
}
