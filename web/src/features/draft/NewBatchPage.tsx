// Photos, a wish, the price, the button.

import { Trash2 } from "lucide-react";
import { Suspense, useCallback, useDeferredValue, useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";
import type { Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { common } from "../../texts/common";
import { draft as t } from "../../texts/draft";
import { sayProblem } from "../../texts/problem";
import { Button, ButtonLink } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { later } from "../../ui/later";
import { Notice } from "../../ui/Notice";
import { useTitle } from "../../ui/useTitle";
import { useSession } from "../account/session";
import { useAccount, usePrice } from "../account/useAccount";
import { DropZone, MorePhotos } from "./DropZone";
import { type Photo, useDraft, type Wish } from "./draft";
import { OptionsBox } from "./OptionsBox";
import { PhotoGrid } from "./PhotoGrid";
import { SubmitBar } from "./SubmitBar";
import { pendingOf } from "./submit";
import { useChooser } from "./useChooser";
import { useSubmit } from "./useSubmit";
import { WishBox } from "./WishBox";

const PhotoDialog = later(() => import("./PhotoDialog"));

/** What another page can hand over: the wish of an older batch. */
export type Reuse = { wish?: Partial<Wish> } | null;

export default function NewBatchPage() {
  const session = useSession();
  return session && <NewBatch key={session.userId} user={session.userId} />;
}

function NewBatch({ user }: { user: string }) {
  useTitle(t.title);
  const { draft, photos: live, wish, loaded } = useDraft(user);
  const photos = useDeferredValue(live);
  const account = useAccount();
  const { state, submit, again, dismiss } = useSubmit(draft, loaded);
  const [opened, setOpened] = useState<string>();
  const [clearing, setClearing] = useState(false);
  const [missing, setMissing] = useState(false);
  const [before, setBefore] = useState<Partial<Wish>>();
  const prompt = useRef<HTMLTextAreaElement>(null);
  const reuse = useLocation().state as Reuse;

  useEffect(() => {
    if (reuse?.wish) {
      const { prompt, quality, size, format } = draft.snapshot().wish;
      if (prompt.trim() && prompt !== reuse.wish.prompt) setBefore({ prompt, quality, size, format });
      draft.setWish(reuse.wish);
    }
    // Once: coming back to the page must not undo what was typed since.
    history.replaceState({ ...history.state, usr: null }, "");
  }, [draft, reuse]);
  useEffect(() => {
    if (account.data) draft.limits = account.data.limits;
  }, [draft, account.data]);

  const refused = photos.filter(({ state }) => state === "refused");
  const shown = photos.filter(({ state }) => state !== "refused");
  const usable = shown.filter(({ state }) => state !== "failed");
  const failed = shown.filter(({ state }) => state === "failed");
  const { maxFileBytes, maxImagesPerBatch } = account.data?.limits ?? draft.limits;
  const reasons = t.refused.reasons({ maxFileBytes, maxImagesPerBatch });
  const uploaded = usable.filter(({ state }) => state === "uploaded").length;
  const limits = account.data?.limits;
  const isSending = state.at === "sending" || state.at === "unanswered";
  // What is on its way is what the button is about, whatever else is on the table.
  const sent = isSending ? pendingOf(draft)?.request : undefined;
  const { quality = wish.quality, size = wish.size } = sent?.options ?? wish;
  const each = usePrice(quality, size);

  const add = useCallback((files: File[], unreadable?: string[]) => draft.add(files, unreadable), [draft]);
  const chooser = useChooser(add);
  const remove = useCallback((id: string) => draft.remove(id), [draft]);
  const retry = useCallback((id: string) => draft.retry(id), [draft]);

  const start = () => {
    // Those that the button has named, which may be a moment behind: what came since has not been priced.
    const named = new Set(usable.map(({ id }) => id));
    const chosen = draft.usable.filter(({ id }) => named.has(id));
    if (!wish.prompt.trim() && chosen.some((photo) => !photo.prompt.trim())) {
      setMissing(true);
      prompt.current?.focus();
      return;
    }
    dismiss();
    submit(requestOf(chosen, wish));
  };

  return (
    <div>
      {chooser.inputs}
      <div className="grid gap-8 md:grid-cols-[minmax(0,1fr)_minmax(20rem,26rem)] lg:gap-12">
        <div className="min-w-0 space-y-4">
          <h1 className="pb-2 text-4xl font-semibold">{t.title}</h1>
          {shown.length > 0 && (
            <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
              <h2 className="nums text-xl font-semibold">{t.photos.heading(shown.length)}</h2>
              <div className="flex items-center gap-2">
                <MorePhotos chooser={chooser} />
                <Button
                  size="s"
                  look="quiet"
                  aria-label={t.photos.clear}
                  disabled={isSending}
                  icon={<Trash2 aria-hidden className="size-4" />}
                  onClick={() => setClearing(true)}
                >
                  <span className="max-sm:hidden">{t.photos.clear}</span>
                </Button>
              </div>
            </div>
          )}
          {shown.length === 0 && <DropZone chooser={chooser} most={maxImagesPerBatch} />}
          {loaded && !draft.keeps && <Notice kind="info">{t.photos.otherTab}</Notice>}
          <p role="status" className="sr-only">
            {usable.length > 0 && uploaded === usable.length
              ? t.photos.allUploaded(uploaded)
              : loaded && t.photos.heading(shown.length)}
          </p>
          {failed.length > 0 && (
            <Notice
              kind="bad"
              title={`${t.photos.failed}: ${t.photos.heading(failed.length)}`}
              actions={
                <Button
                  size="s"
                  onClick={() => {
                    for (const { id } of failed) draft.retry(id);
                  }}
                >
                  {t.photos.retryAll}
                </Button>
              }
            >
              {[...new Set(failed.map(({ problem }) => sayFailure(problem)))].map((reason) => (
                <p key={reason}>{reason}</p>
              ))}
            </Notice>
          )}
          {refused.length > 0 && (
            <Notice
              kind="bad"
              title={t.refused.title(refused.length)}
              actions={
                <Button
                  size="s"
                  onClick={() => {
                    for (const { id } of refused) draft.remove(id);
                  }}
                >
                  {t.refused.dismiss}
                </Button>
              }
            >
              <ul className="max-h-60 space-y-1 overflow-auto text-sm">
                {refused.map(({ id, name, reason }) => (
                  <li key={id}>
                    <strong className="font-semibold">{name}</strong> {reasons[reason ?? "unknown"]}
                  </li>
                ))}
              </ul>
            </Notice>
          )}
          {/* A photo that is taken off the table now would be in the batch all the same. */}
          <fieldset disabled={isSending} className="contents">
            {shown.length > 0 && <PhotoGrid photos={shown} onOpen={setOpened} onRemove={remove} onRetry={retry} />}
          </fieldset>
        </div>

        <div className="space-y-5 md:sticky md:top-22 md:max-h-[calc(100dvh-6.5rem)] md:self-start md:overflow-y-auto md:p-1">
          {state.at === "sending" && state.resumed && <Notice kind="info">{t.submit.resumed}</Notice>}
          {state.at === "unanswered" && (
            <Notice
              kind="bad"
              title={t.submit.unanswered.title}
              actions={
                <Button size="s" onClick={again}>
                  {common.tryAgain}
                </Button>
              }
            >
              {state.problem.status === 401 ? sayProblem(state.problem) : t.submit.unanswered.text}
            </Notice>
          )}
          {state.at === "refused" && (
            <Notice
              kind="bad"
              title={t.submit.refusedTitle}
              actions={
                state.problem.status === 402 && (
                  <ButtonLink size="s" to="/credits">
                    {t.submit.buy}
                  </ButtonLink>
                )
              }
            >
              {state.problem.code === "photo_not_found" ? t.submit.expired : sayProblem(state.problem)}
            </Notice>
          )}
          {account.error && !account.data && (
            <Notice
              kind="bad"
              actions={
                <Button size="s" onClick={() => account.refetch()}>
                  {common.tryAgain}
                </Button>
              }
            >
              {sayProblem(Problem.from(account.error))}
            </Notice>
          )}
          <fieldset disabled={isSending} className="space-y-5">
            <WishBox
              ref={prompt}
              user={user}
              wish={wish}
              maxPrompt={limits?.maxPromptChars ?? 32_000}
              onWish={(change) => {
                if (change.prompt?.trim()) setMissing(false);
                draft.setWish(change);
              }}
              error={missing ? t.wish.missing : undefined}
              before={before}
              onBefore={setBefore}
            />
            <OptionsBox wish={wish} tariff={account.data} onWish={(change) => draft.setWish(change)} />
          </fieldset>
          <SubmitBar
            count={sent?.images.length ?? usable.length}
            uploaded={sent?.images.length ?? uploaded}
            each={each}
            have={account.data?.credits}
            isSent={isSending}
            busy={state.at === "sending"}
            onSubmit={state.at === "unanswered" ? again : start}
          />
        </div>
      </div>

      {opened && (
        <Suspense>
          <PhotoDialog
            photo={live.find(({ id }) => id === opened)}
            maxPrompt={limits?.maxImagePromptChars ?? 2_000}
            onClose={() => setOpened(undefined)}
            onPrompt={(id, text) => draft.setPrompt(id, text)}
            onRemove={remove}
          />
        </Suspense>
      )}
      <Dialog
        open={clearing}
        onClose={() => setClearing(false)}
        title={t.photos.clearSure(shown.length)}
        footer={
          <>
            <Button look="quiet" onClick={() => setClearing(false)}>
              {common.cancel}
            </Button>
            <Button
              look="danger"
              onClick={() => {
                draft.clear();
                setClearing(false);
              }}
            >
              {t.photos.clear}
            </Button>
          </>
        }
      >
        {null}
      </Dialog>
    </div>
  );
}

const sayFailure = (problem = new Problem(0, "offline", "")) => t.photos.problems[problem.code] ?? sayProblem(problem);

function requestOf(photos: Photo[], wish: Wish): Schemas["SubmitRequest"] {
  return {
    images: photos.flatMap(({ key, prompt, name }) =>
      key ? [{ key, name: name.slice(0, 200), ...(prompt.trim() && { prompt: prompt.trim() }) }] : [],
    ),
    prompt: wish.prompt.trim(),
    options: { quality: wish.quality, size: wish.size, format: wish.format },
  };
}
