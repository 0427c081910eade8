// A batch: how far it is, what came of each photo, and what to do with it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, RotateCw, Sparkles, X } from "lucide-react";
import { Suspense, useCallback, useState } from "react";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { api, ok } from "../../api/client";
import { Problem } from "../../api/problem";
import { batch as t } from "../../texts/batch";
import { common, date } from "../../texts/common";
import { sayProblem } from "../../texts/problem";
import { Button } from "../../ui/Button";
import { cn } from "../../ui/cn";
import { Dialog } from "../../ui/Dialog";
import { later } from "../../ui/later";
import { NotFound } from "../../ui/NotFound";
import { Notice } from "../../ui/Notice";
import { Progress } from "../../ui/Progress";
import { PageSkeleton } from "../../ui/Skeleton";
import { useTitle } from "../../ui/useTitle";
import { useBalanceUpdate, usePrice } from "../account/useAccount";
import type { Reuse } from "../draft/NewBatchPage";
import { downloadAll, downloadOne } from "./download";
import { resultNames } from "./names";
import { ResultGrid } from "./ResultGrid";
import { useAnnouncement } from "./useAnnouncement";
import { type Batch, forgetLinks, type Image, isGone, useBatch } from "./useBatch";

const Viewer = later(() => import("./Viewer"));

export default function BatchPage() {
  const { id = "" } = useParams();
  const { data, problem, refetch } = useBatch(id);
  useTitle(data?.prompt.slice(0, 60) || t.title);
  if (data) return <Shown key={id} batch={data} isStale={problem !== undefined} />;
  if (problem?.status === 404) return <NotFound title={t.missing.title} text={t.missing.text} />;
  if (problem) {
    return (
      <Notice
        kind="bad"
        actions={
          <Button size="s" onClick={() => refetch()}>
            {common.tryAgain}
          </Button>
        }
      >
        {sayProblem(problem)}
      </Notice>
    );
  }
  return <PageSkeleton />;
}

function Shown({ batch, isStale }: { batch: Batch; isStale: boolean }) {
  const { batchId, counts, images, creditsSpent, creditsRefunded } = batch;
  const navigate = useNavigate();
  const client = useQueryClient();
  const updateBalance = useBalanceUpdate();
  const isFresh = (useLocation().state as { fresh?: boolean } | null)?.fresh;
  const announcement = useAnnouncement(batch);
  const [opened, setOpened] = useState<number>();
  const [asking, setAsking] = useState<"cancel" | "retry">();
  const [packed, setPacked] = useState<number>();

  const open = counts.pending + counts.processing;
  const without = counts.failed + counts.canceled;
  const each = counts.total ? creditsSpent / counts.total : 0;
  const there = images.filter(({ resultUrl }) => resultUrl).length;
  const gone = images.filter(isGone).length;
  const names = resultNames(images, batch.options.format ?? "png");
  // Of today, which need not be what they cost then.
  const { quality = "medium", size = "auto" } = batch.options;
  const again = usePrice(quality, size);

  const cancel = useMutation({
    mutationFn: () => ok(api.POST("/api/batch/{id}/cancel", { params: { path: { id: batchId } } })),
    onSettled: () => {
      setAsking(undefined);
      void updateBalance();
      return client.invalidateQueries({ queryKey: ["batch", batchId] });
    },
  });
  const retry = useMutation({
    mutationFn: () => ok(api.POST("/api/batch/{id}/retry", { params: { path: { id: batchId } } })),
    onSuccess: (answer) => {
      void updateBalance(answer.credits);
      void client.invalidateQueries({ queryKey: ["batches"] });
      void client.invalidateQueries({ queryKey: ["batch", batchId] });
      navigate(`/batches/${answer.batchId}`);
    },
    onSettled: () => setAsking(undefined),
  });
  const zip = useMutation({
    mutationFn: async () => {
      const entries = images.flatMap(({ resultUrl }, index) =>
        resultUrl ? [{ name: names[index] ?? `${index}`, url: resultUrl }] : [],
      );
      setPacked(0);
      await downloadAll(entries, `batch-${batchId.slice(0, 8)}.zip`, setPacked);
    },
    onError: () => onBroken(),
    onSettled: () => setPacked(undefined),
  });

  const onBroken = useCallback(() => {
    if (forgetLinks(batchId)) void client.invalidateQueries({ queryKey: ["batch", batchId] });
  }, [batchId, client]);

  const reuse: Reuse = {
    wish: {
      prompt: batch.prompt,
      ...(batch.options.quality && { quality: batch.options.quality }),
      ...(batch.options.size && { size: batch.options.size }),
      ...(batch.options.format && { format: batch.options.format }),
    },
  };
  const problem = cancel.error ?? retry.error;

  return (
    <div className="space-y-6">
      <p role="status" className="sr-only">
        {announcement}
      </p>
      <header className="space-y-3">
        <p className="text-ink-2">
          <time dateTime={batch.createdAt}>{date(batch.createdAt)}</time>, {t.facts(counts.total, creditsSpent)}
        </p>
        <Wish text={batch.prompt} />
      </header>

      {isFresh && open > 0 && <Notice kind="info">{t.fresh}</Notice>}
      {batch.retriedIn && (
        <Notice kind="info">
          {t.actions.retried}{" "}
          <Link className="font-semibold underline" to={`/batches/${batch.retriedIn}`}>
            {t.actions.retriedLink}
          </Link>
        </Notice>
      )}
      {batch.retryOf && (
        <p className="text-ink-2">
          {t.actions.retryOf}{" "}
          <Link className="underline" to={`/batches/${batch.retryOf}`}>
            {t.actions.retryOfLink}
          </Link>
        </p>
      )}
      {problem && <Notice kind="bad">{sayProblem(Problem.from(problem))}</Notice>}
      {zip.error && <Notice kind="bad">{t.actions.zipFailed}</Notice>}
      {gone > 0 && <Notice kind="info">{t.gone.results(gone)}</Notice>}
      {cancel.isSuccess && open > 0 && <Notice kind="info">{t.actions.canceling}</Notice>}

      <section className="space-y-4 rounded-3xl bg-surface p-5 shadow-card sm:p-7">
        <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
          <p className="text-2xl font-semibold sm:text-3xl">{t.done(counts.completed, counts.total)}</p>
          <p className="nums flex flex-wrap gap-x-4 text-ink-2">
            {counts.processing > 0 && <span>{t.counts.processing(counts.processing)}</span>}
            {counts.pending > 0 && <span>{t.counts.pending(counts.pending)}</span>}
            {counts.failed > 0 && <span className="text-bad">{t.counts.failed(counts.failed)}</span>}
            {counts.canceled > 0 && <span>{t.counts.canceled(counts.canceled)}</span>}
            {creditsRefunded > 0 && <span className="text-good">{t.refunded(creditsRefunded)}</span>}
            {isStale && <span>{t.paused}</span>}
          </p>
        </div>
        <Progress
          label={t.progress}
          total={counts.total}
          parts={[
            { value: counts.completed, className: "bg-accent" },
            { value: counts.processing, className: "bg-accent/35 developing" },
            { value: counts.failed, className: "bg-bad" },
            { value: counts.canceled, className: "bg-line-strong" },
          ]}
        />
        <div className="flex flex-wrap gap-3 pt-1">
          {there > 0 && (
            <Button
              look="primary"
              busy={zip.isPending}
              icon={<Download aria-hidden className="size-5" />}
              onClick={() => zip.mutate()}
            >
              <span className="nums">{packed === undefined ? t.actions.zip : t.actions.zipping(packed, there)}</span>
            </Button>
          )}
          {open > 0 && (
            <Button icon={<X aria-hidden className="size-5" />} onClick={() => setAsking("cancel")}>
              {t.actions.cancel}
            </Button>
          )}
          {open === 0 && without > 0 && !batch.retriedIn && (
            <Button icon={<RotateCw aria-hidden className="size-5" />} onClick={() => setAsking("retry")}>
              {t.actions.retry(without)}
            </Button>
          )}
          <Button
            look="quiet"
            icon={<Sparkles aria-hidden className="size-5" />}
            onClick={() => navigate("/new", { state: reuse })}
          >
            {t.actions.again}
          </Button>
        </div>
      </section>

      <Failures batch={batch} each={each} />

      <ResultGrid images={images} onOpen={setOpened} onBroken={onBroken} />

      {opened !== undefined && (
        <Suspense>
          <Viewer
            images={images}
            index={opened}
            onIndex={setOpened}
            onDownload={({ index, resultUrl }) =>
              resultUrl ? downloadOne({ name: names[index] ?? "photo", url: resultUrl }) : Promise.resolve()
            }
            onBroken={onBroken}
          />
        </Suspense>
      )}
      <Dialog
        open={asking === "cancel"}
        onClose={() => setAsking(undefined)}
        title={t.actions.cancelSure}
        footer={
          <>
            <Button look="quiet" onClick={() => setAsking(undefined)}>
              {t.actions.cancelNo}
            </Button>
            <Button look="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
              {t.actions.cancelYes}
            </Button>
          </>
        }
      >
        <p className="text-ink-2">{t.actions.cancelText(open)}</p>
      </Dialog>
      <Dialog
        open={asking === "retry"}
        onClose={() => setAsking(undefined)}
        title={t.actions.retrySure(without)}
        footer={
          <>
            <Button look="quiet" onClick={() => setAsking(undefined)}>
              {common.cancel}
            </Button>
            <Button look="primary" busy={retry.isPending} disabled={again === undefined} onClick={() => retry.mutate()}>
              {t.actions.retry(without)}
            </Button>
          </>
        }
      >
        <p className="text-ink-2">
          {again === undefined ? t.actions.retryUnpriced : t.actions.retryText(again * without)}
        </p>
      </Dialog>
    </div>
  );
}

function Wish({ text }: { text: string }) {
  const [isAll, setIsAll] = useState(false);
  const isLong = text.length > 160;
  return (
    <div className="space-y-1">
      <h1
        className={cn(
          "max-w-4xl text-3xl leading-tight font-semibold [overflow-wrap:anywhere] sm:text-4xl",
          isLong && (isAll ? "text-xl! leading-normal! tracking-normal whitespace-pre-wrap" : "line-clamp-3"),
        )}
      >
        {text || t.untitled}
      </h1>
      {isLong && (
        <button
          type="button"
          className="rounded text-sm underline"
          aria-expanded={isAll}
          onClick={() => setIsAll(!isAll)}
        >
          {isAll ? t.showLess : t.showAll}
        </button>
      )}
    </div>
  );
}

/** Why photos have no result, each reason once, and that it cost nothing. */
function Failures({ batch, each }: { batch: Batch; each: number }) {
  const failed = batch.images.filter(({ status }) => status === "failed");
  if (failed.length === 0) return null;
  const reasons = new Map<string, Image[]>();
  for (const image of failed) {
    const message = image.error?.message ?? common.problem.unknown;
    reasons.set(message, [...(reasons.get(message) ?? []), image]);
  }
  return (
    <Notice kind="bad" title={`${t.failures.title(failed.length)}. ${t.failures.back(each * failed.length)}`}>
      <ul className="max-h-60 space-y-2 overflow-auto">
        {[...reasons].map(([message, images]) => (
          <li key={message}>
            <strong className="font-semibold">
              {images.map(({ index, name }) => t.photo(index, name)).join(", ")}
            </strong>
            <br />
            {message}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
