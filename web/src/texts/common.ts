// Every English sentence of the page is in this folder, by feature, so that a translation is a second folder. Sentences
// with numbers in them are functions: other languages have other plurals.

const whole = new Intl.NumberFormat("en");
const megabytes = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const number = (value: number) => whole.format(value);
export const plural = (count: number, one: string, many: string) => `${number(count)} ${count === 1 ? one : many}`;
export const credits = (count: number) => plural(count, "credit", "credits");
export const photos = (count: number) => plural(count, "photo", "photos");
export const bytes = (count: number) =>
  count < 1e6 ? `${number(Math.max(1, Math.round(count / 1e3)))} kB` : `${megabytes.format(count / 1e6)} MB`;
export const date = (iso: string) => day.format(new Date(iso));
/** Of an amount in the currency's smallest unit; `finer` by so many digits. */
export const money = (amount: number, currency: string, finer = 0) => {
  const options = { style: "currency", currency: currency.toUpperCase() } as const;
  const digits = new Intl.NumberFormat("en", options).resolvedOptions().maximumFractionDigits ?? 2;
  const format = new Intl.NumberFormat("en", { ...options, maximumFractionDigits: digits + finer });
  return format.format(amount / 10 ** digits);
};
export function ago(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  if (Math.abs(seconds) < 45) return "just now";
  if (Math.abs(seconds) < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  if (Math.abs(seconds) < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), "day");
  return date(iso);
}

export const common = {
  product: "Batch Image Edit",
  skip: "Skip to content",
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  tryAgain: "Try again",
  loading: "Loading",
  copy: "Copy",
  copied: "Copied",
  menu: "Menu",
  account: "Account",
  nav: { label: "Main", new: "New batch", history: "History", credits: "Credits", settings: "Settings" },
  balance: (count: number) => `${credits(count)} left`,
  signIn: "Sign in",
  signUp: "Create account",
  signOut: "Sign out",
  theme: { label: "Appearance", system: "Like my device", light: "Light", dark: "Dark" },
  offlineBanner: "You are offline. What you have typed and chosen is kept, and everything goes on when you are back.",
  notFound: {
    title: "There is nothing here",
    text: "The address may have a typo in it, or what was here is gone.",
    home: "To the start page",
  },
  crash: {
    title: "This page has stumbled",
    text: "Your photos and what you typed are kept in this browser. Loading the page again usually helps.",
    reload: "Load again",
  },
  notLoaded: {
    title: "This part of the page did not load",
    offline: "You are offline. It comes when you are back; what you have typed and chosen is kept.",
    replaced: "There may be a new version. Load the page again; what you have typed and chosen is kept.",
  },
  problem: {
    offline: "There was no answer. Check your connection; nothing you entered is lost.",
    server: "Something went wrong on our side. Nothing you entered is lost; try again in a moment.",
    unauthenticated: "Your session has ended. Sign in again to go on; nothing you entered is lost.",
    unknown: "That did not work.",
  },
};
