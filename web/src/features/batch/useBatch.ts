// A batch, followed at the pace that the server names and not in hidden tabs. What has not changed costs one 304.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, ok, type Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { whenPersonLeaves } from "../account/session";
import { useBalanceUpdate } from "../account/useAccount";

export type Batch = Schemas["BatchStatus"];
export type Image = Batch["images"][number];

/** Links to results change with every answer; an image keeps its first one this long, so that it is loaded once. */
export const KEEP_LINK_MS = 30 * 60 * 1000;

type Known = { etag: string | null; batch: Batch; linkedAt: number };
const known = new Map<string, Known>();
whenPersonLeaves(() => known.clear());

/** What a link leads to may be gone: new links are asked for no more often than this. */
const RENEW_EVERY_MS = 60_000;
const renewedAt = new Map<string, number>();

export function withStableLinks(before: Batch | undefined, after: Batch): Batch {
  if (!before) return after;
  const images = after.images.map((image, index) => {
    const old = before.images[index];
    if (!old || old.key !== image.key) return image;
    const kept = { ...image };
    if (image.resultUrl && old.resultUrl) kept.resultUrl = old.resultUrl;
    if (image.sourceUrl && old.sourceUrl) kept.sourceUrl = old.sourceUrl;
    return kept;
  });
  return { ...after, images };
}

async function fetchBatch(id: string, signal: AbortSignal): Promise<Batch> {
  const old = known.get(id);
  const areLinksGood = old && Date.now() - old.linkedAt < KEEP_LINK_MS;
  const call = api.GET("/api/batch/{id}/status", {
    params: { path: { id }, header: areLinksGood && old.etag ? { "If-None-Match": old.etag } : {} },
    signal,
  });
  const answer = await call.catch((error) => {
    throw signal.aborted ? error : Problem.from(error);
  });
  if (answer.response.status === 304 && old) return old.batch;
  const fresh = await ok(Promise.resolve(answer));
  const batch = areLinksGood ? withStableLinks(old.batch, fresh) : fresh;
  known.set(id, {
    etag: answer.response.headers.get("etag"),
    batch,
    linkedAt: areLinksGood ? old.linkedAt : Date.now(),
  });
  return batch;
}

export const batchQuery = (id: string) => ({
  queryKey: ["batch", id],
  queryFn: ({ signal }: { signal: AbortSignal }) => fetchBatch(id, signal),
});

/** A link has died before its time: the next answer brings new ones. False if they are new already. */
export function forgetLinks(id: string, now = Date.now()): boolean {
  if (now - (renewedAt.get(id) ?? 0) < RENEW_EVERY_MS) return false;
  renewedAt.set(id, now);
  known.delete(id);
  return true;
}

/** Whether its result was there once, and is deleted now. */
export const isGone = ({ status, resultUrl }: Pick<Image, "status" | "resultUrl">) =>
  status === "completed" && resultUrl === undefined;

export function useBatch(id: string) {
  const query = useQuery({
    ...batchQuery(id),
    staleTime: 1_000,
    refetchInterval: ({ state: { data, error } }) => {
      if (data) return data.pollAfterMs || false;
      return error && Problem.from(error).isUncertain ? 5_000 : false;
    },
    retry: (count, error) => Problem.from(error).isUncertain && count < 2,
  });

  // What came back is in the balance, and the history has changed, too.
  const client = useQueryClient();
  const updateBalance = useBalanceUpdate();
  const refunded = query.data?.creditsRefunded;
  const isOver = query.data && query.data.pollAfterMs === 0;
  const before = useRef<{ refunded: number | undefined; isOver: boolean | undefined }>({
    refunded: 0,
    isOver: undefined,
  });
  useEffect(() => {
    const { refunded: then, isOver: wasOver } = before.current;
    before.current = { refunded: refunded ?? then, isOver };
    if (refunded !== undefined && refunded !== then) void updateBalance();
    if (wasOver === false && isOver) void client.invalidateQueries({ queryKey: ["batches"] });
  }, [refunded, isOver, client, updateBalance]);

  // While it is asked again, the query forgets what was wrong. Who reads that should not lose it every five seconds.
  const said = useRef<{ id: string; problem: Problem }>(undefined);
  if (query.error) said.current = { id, problem: Problem.from(query.error) };
  else if (query.isSuccess) said.current = undefined;
  const problem = said.current?.id === id ? said.current.problem : undefined;
  return { data: query.data, problem, refetch: query.refetch };
}
