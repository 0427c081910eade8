// A batch's submit as a page sees it: what is on its way, what went wrong, and what to try again.

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import type { Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { useBalanceUpdate } from "../account/useAccount";
import type { Draft } from "./draft";
import { keep, type Pending, pendingOf, send } from "./submit";

export type SubmitState =
  | { at: "idle" }
  | { at: "sending"; resumed: boolean }
  | { at: "unanswered"; problem: Problem }
  | { at: "refused"; problem: Problem };

export function useSubmit(draft: Draft, loaded: boolean) {
  const [state, setState] = useState<SubmitState>({ at: "idle" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const updateBalance = useBalanceUpdate();
  const seen = useRef({ navigate, client, updateBalance });
  seen.current = { navigate, client, updateBalance };
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);

  const go = useCallback(
    async (pending: Pending, resumed: boolean) => {
      setState({ at: "sending", resumed });
      try {
        const answer = await send(draft.user, pending);
        void seen.current.updateBalance(answer.credits);
        void seen.current.client.invalidateQueries({ queryKey: ["batches"] });
        draft.submitted(pending.request);
        if (isHere.current) seen.current.navigate(`/batches/${answer.batchId}`, { state: { fresh: true } });
      } catch (error) {
        const problem = Problem.from(error);
        if (problem.code === "photo_not_found") draft.forgetUploads();
        if (problem.wire.credits !== undefined) void seen.current.updateBalance(problem.wire.credits);
        // What may have been bought is kept.
        setState({ at: pendingOf(draft)?.key === pending.key ? "unanswered" : "refused", problem });
      }
    },
    [draft],
  );

  // What was on its way when the page was left goes on.
  useEffect(() => {
    const pending = loaded ? pendingOf(draft) : undefined;
    if (pending) void go(pending, true);
  }, [draft, loaded, go]);

  const again = useCallback(() => {
    const pending = pendingOf(draft);
    if (pending) void go(pending, true);
    else setState({ at: "idle" });
  }, [draft, go]);

  // And what found no network goes on when there is one.
  useEffect(() => {
    if (state.at !== "unanswered") return;
    addEventListener("online", again);
    return () => removeEventListener("online", again);
  }, [state.at, again]);

  return {
    state,
    submit: (request: Schemas["SubmitRequest"]) => void go(keep(draft, request), false),
    again,
    dismiss: () => setState({ at: "idle" }),
  };
}
