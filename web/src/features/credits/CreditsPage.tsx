// What there is to spend, how to get more, and what became of it.

import { ArrowLeft, ExternalLink } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { Problem } from "../../api/problem";
import { common, date, money, number } from "../../texts/common";
import { credits as t } from "../../texts/credits";
import { sayProblem } from "../../texts/problem";
import { Button, ButtonLink } from "../../ui/Button";
import { cn } from "../../ui/cn";
import { Notice } from "../../ui/Notice";
import { Skeleton } from "../../ui/Skeleton";
import { useTitle } from "../../ui/useTitle";
import { useArrival, useBalance, useCheckout, usePacks, usePortal, useTransactions } from "./useCredits";

export default function CreditsPage() {
  useTitle(t.title);
  const [search] = useSearchParams();
  const need = Number(search.get("need")) || 0;
  const arrival = useArrival(search.get("checkout_id"));
  const balance = useBalance();
  const packs = usePacks();
  const checkout = useCheckout();
  const portal = usePortal();
  const problem = checkout.error ?? portal.error ?? packs.error ?? balance.error;
  // The smallest pack that is enough stands out.
  const enough = need > 0 ? packs.data?.packs.find(({ credits }) => credits >= need)?.productId : undefined;

  return (
    <div className="mx-auto max-w-5xl space-y-10">
      <h1 className="text-4xl font-semibold">{t.title}</h1>

      <div className="space-y-4">
        {arrival?.at === "waiting" && <Notice kind="info">{t.returned.waiting}</Notice>}
        {arrival?.at === "late" && <Notice kind="info">{t.returned.late}</Notice>}
        {arrival?.at === "arrived" && (
          <Notice
            kind="good"
            actions={
              <ButtonLink to="/new" size="s" icon={<ArrowLeft aria-hidden className="size-4" />}>
                {t.back}
              </ButtonLink>
            }
          >
            {t.returned.arrived(arrival.amount)}
          </Notice>
        )}
        {need > 0 && !arrival && (
          <Notice
            kind="info"
            actions={
              <ButtonLink to="/new" size="s" icon={<ArrowLeft aria-hidden className="size-4" />}>
                {t.back}
              </ButtonLink>
            }
          >
            {t.need(need)}
          </Notice>
        )}
        {problem && <Notice kind="bad">{sayProblem(Problem.from(problem))}</Notice>}
      </div>

      <section aria-label={t.balance} className="flex flex-wrap items-end justify-between gap-6">
        <div>
          <h2 className="font-medium text-ink-2">{t.balance}</h2>
          {balance.data ? (
            <p className="text-7xl leading-none font-semibold tracking-tight">
              {number(balance.data.credits)}{" "}
              <span className="text-2xl font-medium tracking-normal text-ink-2">{t.unit(balance.data.credits)}</span>
            </p>
          ) : (
            <Skeleton className="mt-2 h-16 w-40" />
          )}
          {balance.data && balance.data.owed > 0 && <p className="mt-2 text-bad">{t.owed(balance.data.owed)}</p>}
        </div>
        <Button
          look="quiet"
          busy={portal.isPending}
          icon={<ExternalLink aria-hidden className="size-4" />}
          onClick={() => portal.mutate()}
        >
          {t.portal}
        </Button>
      </section>

      <section className="space-y-4">
        <div>
          <h2 className="text-2xl font-semibold">{t.packs}</h2>
          <p className="text-ink-2">{t.packsHint}</p>
        </div>
        {packs.data?.packs.length === 0 && <Notice kind="info">{t.nothingSold}</Notice>}
        <ul className="grid gap-4 sm:grid-cols-[repeat(auto-fit,minmax(15rem,1fr))]">
          {packs.isPending && [0, 1, 2].map((pack) => <Skeleton key={pack} className="h-56 rounded-3xl" />)}
          {packs.data?.packs.map(({ productId, name, credits, price, currency }) => {
            const isBuying = checkout.isPending && checkout.variables === productId;
            return (
              <li
                key={productId}
                className={cn(
                  "flex flex-col gap-5 rounded-3xl bg-surface p-6 shadow-card",
                  productId === enough && "ring-3 ring-accent",
                )}
              >
                <div className="grow space-y-1">
                  <h3 className="font-medium text-ink-2">{name}</h3>
                  <p className="text-4xl font-semibold tracking-tight">
                    {number(credits)}{" "}
                    <span className="text-lg font-medium tracking-normal text-ink-2">{t.unit(credits)}</span>
                  </p>
                  <p className="nums text-ink-2">{t.perCredit(money(price / credits, currency, 1))}</p>
                </div>
                <Button
                  look={productId === enough || !enough ? "primary" : "secondary"}
                  busy={isBuying}
                  disabled={checkout.isPending}
                  aria-label={`${t.buy(name)}: ${money(price, currency)}`}
                  onClick={() => checkout.mutate(productId)}
                >
                  {isBuying ? t.opening : money(price, currency)}
                </Button>
              </li>
            );
          })}
        </ul>
      </section>

      <Transactions />
    </div>
  );
}

function Transactions() {
  const pages = useTransactions();
  const entries = pages.data?.pages.flatMap(({ transactions }) => transactions) ?? [];
  return (
    <section className="space-y-4">
      <h2 className="text-2xl font-semibold">{t.transactions}</h2>
      {pages.error && <Notice kind="bad">{sayProblem(Problem.from(pages.error))}</Notice>}
      {pages.isPending && <Skeleton className="h-40 rounded-3xl" />}
      {pages.isSuccess && entries.length === 0 && <p className="text-ink-2">{t.none}</p>}
      {entries.length > 0 && (
        <div className="overflow-hidden rounded-3xl bg-surface shadow-card">
          <table className="w-full text-left">
            <thead className="sr-only">
              <tr>
                <th scope="col">{t.what}</th>
                <th scope="col">{t.change}</th>
                <th scope="col">{t.balanceAfter}</th>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <td className="px-4 py-3 sm:px-6">
                    <span className="block font-medium">
                      {entry.batchId ? (
                        <Link
                          to={`/batches/${entry.batchId}`}
                          className="underline decoration-line-strong underline-offset-3 hover:decoration-ink"
                        >
                          {entry.description || t.kinds[entry.kind]}
                        </Link>
                      ) : (
                        entry.description || t.kinds[entry.kind]
                      )}
                    </span>
                    <time className="text-sm text-ink-2" dateTime={entry.createdAt}>
                      {date(entry.createdAt)}
                    </time>
                  </td>
                  <td className={cn("nums px-2 py-3 text-right font-semibold", entry.amount > 0 && "text-good")}>
                    {t.signed(entry.amount)}
                  </td>
                  <td className="nums w-20 px-4 py-3 text-right text-ink-2 sm:w-28 sm:px-6">
                    {number(entry.balanceAfter)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages.hasNextPage && (
        <Button busy={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {pages.isFetchingNextPage ? common.loading : t.more}
        </Button>
      )}
    </section>
  );
}
