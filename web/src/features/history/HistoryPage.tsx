// All batches, newest first.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { api, ok, type Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { batch as words } from "../../texts/batch";
import { ago, common, date } from "../../texts/common";
import { history as t } from "../../texts/history";
import { sayProblem } from "../../texts/problem";
import { Button, ButtonLink } from "../../ui/Button";
import { cn } from "../../ui/cn";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Skeleton } from "../../ui/Skeleton";
import { useTitle } from "../../ui/useTitle";
import { batchQuery, KEEP_LINK_MS } from "../batch/useBatch";
import { usePreview } from "../batch/usePreview";
import { useInView } from "./useInView";

type Summary = Schemas["BatchSummary"];

const PAGE = 20;
/** Thumbnails of a batch. */
const THUMBS = 4;

const load = (cursor: string, signal: AbortSignal) =>
  ok(api.GET("/api/batches", { params: { query: { limit: PAGE, ...(cursor && { cursor }) } }, signal }));

const isOpen = ({ status }: Pick<Summary, "status">) => status === "pending" || status === "processing";

/** New batches have pushed others off the first page: what was on it before is still known. */
function newestFirst(first: Summary[], known: Summary[]): Summary[] {
  const fresh = new Set(first.map(({ batchId }) => batchId));
  return [...first, ...known.filter(({ batchId }) => !fresh.has(batchId))];
}

export default function HistoryPage() {
  useTitle(t.title);
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query.trim().toLowerCase());
  const pages = useInfiniteQuery({
    queryKey: ["history"],
    queryFn: ({ pageParam, signal }) => load(pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor,
    staleTime: Number.POSITIVE_INFINITY,
  });
  // What changes is on the first page: only that is asked for again.
  const first = useQuery({
    queryKey: ["batches"],
    queryFn: ({ signal }) => load("", signal),
    initialData: pages.data?.pages[0],
    initialDataUpdatedAt: pages.dataUpdatedAt,
    enabled: pages.isSuccess,
    refetchInterval: ({ state }) => (state.data?.batches.some(isOpen) ? 5_000 : false),
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isError } = pages;
  const all = newestFirst(first.data?.batches ?? [], pages.data?.pages.flatMap(({ batches }) => batches) ?? []);
  const found = wanted ? all.filter(({ prompt }) => prompt.toLowerCase().includes(wanted)) : all;

  const end = useRef<HTMLDivElement>(null);
  const isAtEnd = useInView(end, "600px");
  // A search looks through everything, also what has not been loaded yet.
  const wantsMore = hasNextPage && !isFetchingNextPage && !isError && (isAtEnd || wanted !== "");
  useEffect(() => {
    if (wantsMore) void fetchNextPage();
  }, [wantsMore, fetchNextPage]);

  const isEmpty = pages.isSuccess && all.length === 0;
  return (
    <div className="mx-auto max-w-5xl space-y-6">
      <div className="flex flex-wrap items-end justify-between gap-4">
        <h1 className="text-4xl font-semibold">{t.title}</h1>
        {!isEmpty && (
          <search className="relative w-full sm:w-80">
            <TextField
              hideLabel
              label={t.search}
              placeholder={t.search}
              type="search"
              className="pl-11"
              value={query}
              onChange={(event) => setQuery(event.target.value)}
            />
            <Search aria-hidden className="pointer-events-none absolute bottom-3.5 left-3.5 size-5 text-ink-2" />
          </search>
        )}
      </div>
      <p role="status" className={cn("text-ink-2", !wanted && "sr-only")}>
        {wanted && (hasNextPage ? t.searching : found.length ? t.count(found.length) : t.nothing(query.trim()))}
      </p>
      {pages.error && (
        <Notice
          kind="bad"
          actions={
            <Button size="s" onClick={() => pages.refetch()}>
              {common.tryAgain}
            </Button>
          }
        >
          {sayProblem(Problem.from(pages.error))}
        </Notice>
      )}
      {isEmpty && (
        <div className="space-y-4 rounded-3xl bg-surface px-6 py-20 text-center shadow-card">
          <h2 className="text-2xl font-semibold">{t.empty.title}</h2>
          <p className="text-ink-2">{t.empty.text}</p>
          <ButtonLink to="/new" look="primary">
            {t.empty.start}
          </ButtonLink>
        </div>
      )}
      <ul className="space-y-3">
        {pages.isPending && [0, 1, 2, 3].map((row) => <Skeleton key={row} className="h-28 rounded-3xl" />)}
        {found.map((summary) => (
          <Row key={summary.batchId} summary={summary} />
        ))}
      </ul>
      <div ref={end} className="py-2 text-center text-sm text-ink-2">
        {isFetchingNextPage ? t.more : !hasNextPage && found.length > PAGE && t.end}
      </div>
    </div>
  );
}

function Row({ summary }: { summary: Summary }) {
  const { batchId, prompt, counts, status, createdAt } = summary;
  const row = useRef<HTMLLIElement>(null);
  const isNear = useInView(row, "200px", true);
  const without = counts.failed + counts.canceled;
  return (
    <li ref={row}>
      <Link
        to={`/batches/${batchId}`}
        className="grid gap-4 rounded-3xl bg-surface p-4 shadow-card ring-1 ring-transparent transition-shadow hover:ring-line-strong sm:grid-cols-[auto_1fr_auto] sm:items-center sm:gap-6"
      >
        <Thumbs id={batchId} count={counts.total} isWanted={isNear} isOver={!isOpen(summary)} />
        <span className="min-w-0 space-y-1">
          <span className="line-clamp-2 font-semibold [overflow-wrap:anywhere]">{prompt || words.untitled}</span>
          <span className="block text-sm text-ink-2">
            <time dateTime={createdAt} title={date(createdAt)}>
              {ago(createdAt)}
            </time>
            , {t.facts(counts.total)}
          </span>
        </span>
        <span className="flex flex-wrap gap-2 sm:flex-col sm:items-end">
          <span
            className={cn(
              "nums rounded-full px-3 py-1 text-sm font-semibold",
              isOpen(summary) && "bg-accent-soft text-accent-text",
              status === "completed" && "bg-good-soft text-good",
              status === "failed" && "bg-bad-soft text-bad",
              status === "canceled" && "bg-sunken text-ink-2",
            )}
          >
            {isOpen(summary) ? words.done(counts.completed, counts.total) : words.state[status]}
          </span>
          {without > 0 && status === "completed" && <span className="text-sm text-ink-2">{t.failed(without)}</span>}
        </span>
      </Link>
    </li>
  );
}

/** The first photos of a batch; its status has the links, and is asked for when the row comes near. */
function Thumbs({ id, count, isWanted, isOver }: { id: string; count: number; isWanted: boolean; isOver: boolean }) {
  // The links of a batch that is over are good for longer than this.
  const { data } = useQuery({ ...batchQuery(id), enabled: isWanted, staleTime: isOver ? KEEP_LINK_MS : 60_000 });
  const done = data?.images.filter(({ resultUrl }) => resultUrl).slice(0, THUMBS) ?? [];
  const shown = data && (done.length ? done : data.images.slice(0, THUMBS));
  return (
    <span aria-hidden className="grid grid-cols-4 gap-1.5 sm:w-66">
      {(shown ?? Array.from({ length: Math.min(count, THUMBS) }, (_, index) => ({ index, key: "" }))).map((image) => (
        <span key={image.index} className="block aspect-square overflow-hidden rounded-xl bg-sunken">
          {shown ? <Thumb image={image} /> : <span className="shimmer block size-full" />}
        </span>
      ))}
    </span>
  );
}

function Thumb({ image }: { image: { key: string; resultUrl?: string } }) {
  const preview = usePreview(image.resultUrl ? undefined : image.key);
  if (image.resultUrl) {
    return (
      <img
        src={image.resultUrl}
        alt=""
        loading="lazy"
        decoding="async"
        fetchPriority="low"
        crossOrigin="anonymous"
        className="checker size-full object-cover"
      />
    );
  }
  return preview ? <img src={preview} alt="" className="size-full object-cover opacity-40 grayscale" /> : null;
}
