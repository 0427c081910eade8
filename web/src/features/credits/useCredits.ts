import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, ok, type Schemas } from "../../api/client";
import { useBalanceUpdate } from "../account/useAccount";

const transactions = (limit: number, cursor: string, signal?: AbortSignal) =>
  ok(
    api.GET("/api/billing/transactions", {
      params: { query: { limit, ...(cursor && { cursor }) } },
      ...(signal && { signal }),
    }),
  );

export const usePacks = () =>
  useQuery({
    queryKey: ["packs"],
    queryFn: ({ signal }) => ok(api.GET("/api/billing/packs", { signal })),
    staleTime: 300_000,
  });

export const useBalance = () =>
  useQuery({ queryKey: ["balance"], queryFn: ({ signal }) => ok(api.GET("/api/billing/balance", { signal })) });

export const useTransactions = () =>
  useInfiniteQuery({
    queryKey: ["transactions"],
    queryFn: ({ pageParam, signal }) => transactions(20, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor,
  });

/** The newest entry of the ledger when this tab left for the seller's page. */
const LEFT_AT = "bie.checkout";

/** Leaves for the seller's page; the draft waits in this browser. */
export const useCheckout = () =>
  useMutation({
    mutationFn: async (productId: string) => {
      const [before, { url }] = await Promise.all([
        transactions(1, ""),
        ok(api.POST("/api/billing/checkout", { body: { productId } })),
      ]);
      sessionStorage.setItem(LEFT_AT, before.transactions[0]?.id ?? "");
      location.assign(url);
      // The page is about to go: it stays busy until then.
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    },
  });

export const usePortal = () =>
  useMutation({
    mutationFn: async () => location.assign((await ok(api.POST("/api/billing/portal"))).url),
  });

const ASK_EVERY_MS = 1_500;
const PATIENCE_MS = 90_000;
const RECENT_MS = 5 * 60_000;

type Entry = Pick<Schemas["Transaction"], "id" | "kind" | "amount" | "createdAt">;

/** The order that has come since, among the newest entries. Who has left from another tab is told of a recent one. */
export function arrived<T extends Entry>(entries: readonly T[], leftAt: string | null, now: number): T | undefined {
  const known = entries.findIndex(({ id }) => id === leftAt);
  const since = known === -1 ? entries : entries.slice(0, known);
  return since.find(
    ({ kind, createdAt }) => kind === "order" && (leftAt !== null || new Date(createdAt).getTime() > now - RECENT_MS),
  );
}

export type Arrival = { at: "waiting" } | { at: "arrived"; amount: number } | { at: "late" } | undefined;

/** After a checkout: watches the ledger until the order is in it. `confirmed` at the seller's is not yet paid. */
export function useArrival(checkoutId: string | null): Arrival {
  const [arrival, setArrival] = useState<Arrival>(checkoutId ? { at: "waiting" } : undefined);
  const client = useQueryClient();
  const updateBalance = useBalanceUpdate();
  const update = useRef(updateBalance);
  update.current = updateBalance;
  useEffect(() => {
    if (!checkoutId) return;
    const since = Date.now();
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      const page = await transactions(5, "").catch(() => undefined);
      // It may have arrived while the buyer was on the way back.
      const order = page && arrived(page.transactions, sessionStorage.getItem(LEFT_AT), since);
      if (order) {
        setArrival({ at: "arrived", amount: order.amount });
        void update.current();
        void client.invalidateQueries({ queryKey: ["transactions"] });
        void client.invalidateQueries({ queryKey: ["balance"] });
      } else if (Date.now() - since > PATIENCE_MS) {
        setArrival({ at: "late" });
      } else {
        timer = setTimeout(look, ASK_EVERY_MS);
      }
    };
    void look();
    return () => clearTimeout(timer);
  }, [checkoutId, client]);
  return arrival;
}
