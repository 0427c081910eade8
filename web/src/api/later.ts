// Shapes that the OpenAPI document will have soon, written by hand until it does. Delete this file then.

import { send } from "./client";
import { Problem } from "./problem";

export type Pack = { productId: string; name: string; credits: number; price: number; currency: string };
export type Transaction = {
  id: string;
  kind: string;
  description: string;
  amount: number;
  balanceAfter: number;
  owedAfter: number;
  createdAt: string;
  batchId?: string;
};
export type Balance = { credits: number; owed: number };
export type Settings = { emails: boolean; webhook: { url: string; secret: string } | null };
export type SettingsRequest = { emails: boolean; webhook: { url: string } | null };

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  let answer: Response;
  try {
    answer = await send(new Request(path, { method, ...init }));
  } catch (error) {
    throw Problem.from(error);
  }
  const parsed: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw await Problem.of(answer, parsed);
  return parsed as T;
}
