// The frame of every page: the way around at the top (at the bottom on a phone), what is left to spend, and the news that
// the connection is gone.

import { Coins, History, Images, Settings as SettingsIcon } from "lucide-react";
import { Suspense, useEffect, useRef, useSyncExternalStore } from "react";
import { Link, NavLink, Outlet, useLocation } from "react-router";
import { useSession } from "../features/account/session";
import { useAccount } from "../features/account/useAccount";
import { number, common as t } from "../texts/common";
import { ButtonLink, buttonClass } from "./Button";
import { cn } from "./cn";
import { PageSkeleton } from "./Skeleton";

const pages = [
  { to: "/new", label: t.nav.new, icon: Images },
  { to: "/batches", label: t.nav.history, icon: History },
  { to: "/credits", label: t.nav.credits, icon: Coins },
  { to: "/settings", label: t.nav.settings, icon: SettingsIcon },
];

function useOnline() {
  return useSyncExternalStore(
    (listener) => {
      addEventListener("online", listener);
      addEventListener("offline", listener);
      return () => {
        removeEventListener("online", listener);
        removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}

function Balance() {
  const { data } = useAccount();
  return (
    <Link
      to="/credits"
      className="inline-flex min-h-9 items-center gap-2 rounded-full bg-surface px-3.5 text-sm font-semibold ring-1 ring-line transition-shadow hover:ring-line-strong"
    >
      <span aria-hidden className="size-2 rounded-full bg-accent" />
      {data ? (
        <span className="nums">
          <span aria-hidden>{number(data.credits)}</span>
          <span className="sr-only">{t.balance(data.credits)}</span>
        </span>
      ) : (
        <span className="shimmer h-3 w-6 rounded-full" />
      )}
    </Link>
  );
}

export function Logo() {
  return (
    <span className="inline-flex items-center gap-2.5 text-[1.05rem] font-semibold tracking-tight">
      <span aria-hidden className="grid size-7 grid-cols-2 overflow-hidden rounded-lg ring-1 ring-line-strong">
        <span className="bg-surface" />
        <span className="bg-accent" />
      </span>
      {t.product}
    </span>
  );
}

export function Layout() {
  const session = useSession();
  const online = useOnline();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what it is about.
  useEffect(() => {
    // A new page is read from its beginning, by the eyes and by a screen reader.
    if (first.current) first.current = false;
    else {
      window.scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
  }, [pathname]);
  return (
    <>
      <a
        href="#main"
        className={buttonClass(
          "primary",
          "m",
          "sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:px-4 focus:py-2.5",
        )}
      >
        {t.skip}
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-bg/85 pt-[env(safe-area-inset-top)] backdrop-blur-md">
        <div className="mx-auto flex h-16 max-w-7xl items-center gap-6 px-4 sm:px-6">
          <Link to={session ? "/new" : "/"} className="rounded-lg">
            <Logo />
          </Link>
          {session ? (
            <>
              <nav aria-label={t.nav.label} className="mx-auto hidden items-center gap-1 md:flex">
                {pages.map((page) => (
                  <NavLink
                    key={page.to}
                    to={page.to}
                    className={({ isActive }) =>
                      cn(
                        "rounded-full px-4 py-2 font-medium transition-colors",
                        isActive ? "bg-ink text-bg" : "text-ink-2 hover:bg-sunken hover:text-ink",
                      )
                    }
                  >
                    {page.label}
                  </NavLink>
                ))}
              </nav>
              <div className="ml-auto md:ml-0">
                <Balance />
              </div>
            </>
          ) : (
            <div className="ml-auto flex gap-2">
              <ButtonLink to="/sign-in" look="quiet" size="s">
                {t.signIn}
              </ButtonLink>
              <ButtonLink to="/sign-up" size="s" className="max-sm:hidden">
                {t.signUp}
              </ButtonLink>
            </div>
          )}
        </div>
      </header>
      {!online && (
        <p role="status" className="bg-accent px-4 py-2.5 text-center font-medium text-on-accent">
          {t.offlineBanner}
        </p>
      )}
      <main
        ref={main}
        id="main"
        tabIndex={-1}
        className={cn(
          "mx-auto w-full max-w-7xl px-4 pt-6 pb-32 outline-none sm:px-6 sm:pt-10",
          session ? "md:pb-20" : "pb-16",
        )}
      >
        <Suspense fallback={<PageSkeleton />}>
          <Outlet />
        </Suspense>
      </main>
      {session && (
        <nav
          aria-label={t.nav.label}
          className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-4 border-t border-line bg-surface/95 pb-[env(safe-area-inset-bottom)] backdrop-blur-md md:hidden"
        >
          {pages.map(({ to, label, icon: Icon }) => (
            <NavLink
              key={to}
              to={to}
              className={({ isActive }) =>
                cn(
                  "flex flex-col items-center gap-0.5 pt-2 pb-1.5 text-xs font-medium -outline-offset-2",
                  isActive ? "text-ink" : "text-ink-2",
                )
              }
            >
              {({ isActive }) => (
                <>
                  <span className={cn("rounded-full px-4 py-1", isActive && "bg-accent text-on-accent")}>
                    <Icon aria-hidden className="size-5" />
                  </span>
                  {label}
                </>
              )}
            </NavLink>
          ))}
        </nav>
      )}
    </>
  );
}
