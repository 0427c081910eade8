// Who I am and what I have, by the API.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ok, type Schemas } from "../../api/client";
import { priceOf, type Quality } from "./price";
import { useSession } from "./session";

const key = (userId: string | undefined) => ["account", userId];

export function useAccount() {
  const session = useSession();
  return useQuery({
    queryKey: key(session?.userId),
    queryFn: ({ signal }) => ok(api.GET("/api/account", { signal })),
    enabled: session !== null,
    staleTime: 10_000,
  });
}

/** What a photo costs now, once the prices are known. */
export const usePrice = (quality: Quality, size: string) => priceOf(useAccount().data, quality, size);

/** What an answer said about the balance is truer than what was known. */
export function useBalanceUpdate() {
  const client = useQueryClient();
  const session = useSession();
  return (credits?: number) => {
    if (credits !== undefined) {
      client.setQueryData<Schemas["Account"]>(key(session?.userId), (known) => known && { ...known, credits });
    }
    return client.invalidateQueries({ queryKey: ["account"] });
  };
}
