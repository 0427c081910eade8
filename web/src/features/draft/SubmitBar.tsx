import { ArrowRight, Coins } from "lucide-react";
import { draft as t } from "../../texts/draft";
import { Button, ButtonLink } from "../../ui/Button";
import { cn } from "../../ui/cn";

type Props = {
  count: number;
  uploaded: number;
  each: number | undefined;
  have: number | undefined;
  /** It may be paid for already: then the balance says nothing about what it would leave. */
  isSent: boolean;
  busy: boolean;
  onSubmit: () => void;
};

/** The price and the balance, and only then the button. */
export function SubmitBar({ count, uploaded, each, have, isSent, busy, onSubmit }: Props) {
  const total = each === undefined ? undefined : each * count;
  const missing = total !== undefined && have !== undefined && !isSent ? Math.max(0, total - have) : 0;
  const isUploading = uploaded < count;
  return (
    <section
      aria-label={t.submit.summary}
      className="fixed inset-x-0 bottom-[calc(3.9rem+env(safe-area-inset-bottom))] z-20 border-t border-line bg-surface/95 p-4 backdrop-blur-md md:sticky md:inset-x-auto md:bottom-0 md:rounded-2xl md:border md:bg-surface md:shadow-card"
    >
      <div className="flex items-center justify-between gap-4 md:block md:space-y-4">
        <div className="min-w-0 md:space-y-3">
          {count > 0 && total !== undefined && each !== undefined ? (
            <>
              <p className="flex items-baseline justify-between gap-3">
                <span className="hidden text-ink-2 md:inline">{t.submit.price(count, each)}</span>
                <strong className="nums text-lg leading-tight font-semibold md:text-2xl" data-testid="total">
                  {t.submit.total(total)}
                </strong>
              </p>
              {have !== undefined && !isSent && (
                <p className="flex flex-wrap justify-between gap-x-3 text-sm text-ink-2">
                  <span className={cn(missing > 0 && "max-md:hidden")}>{t.submit.balance(have)}</span>
                  <span className={cn("nums", missing > 0 ? "font-semibold text-bad" : "max-md:hidden")}>
                    {missing > 0 ? t.submit.missing(missing) : t.submit.after(have - total)}
                  </span>
                </p>
              )}
            </>
          ) : (
            <p className="text-sm text-ink-2">
              {count > 0 && each === undefined && have !== undefined ? t.submit.notPriced : t.submit.empty}
            </p>
          )}
        </div>
        {missing > 0 ? (
          <div className="shrink-0 space-y-2">
            <ButtonLink
              to={`/credits?need=${missing}`}
              look="primary"
              className="w-full"
              icon={<Coins aria-hidden className="size-5" />}
            >
              {t.submit.buy}
            </ButtonLink>
            <p className="hidden text-center text-sm text-ink-2 md:block">{t.submit.buyHint}</p>
          </div>
        ) : (
          <Button
            look="primary"
            className="shrink-0 md:min-h-13 md:w-full md:text-lg"
            busy={busy}
            disabled={count === 0 || isUploading || total === undefined || have === undefined}
            onClick={onSubmit}
          >
            <span className="nums">
              {busy ? t.submit.sending : isUploading ? t.submit.uploading(uploaded, count) : t.submit.button(count)}
            </span>
            {!busy && !isUploading && count > 0 && <ArrowRight aria-hidden className="size-5" />}
          </Button>
        )}
      </div>
    </section>
  );
}
