// Light, dark, or what the device says. `public/theme.js` applies it before the page is there.

import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const listeners = new Set<() => void>();

export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function setTheme(next: Theme) {
  if (next === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("bie.theme");
  } else {
    document.documentElement.dataset.theme = next;
    localStorage.setItem("bie.theme", next);
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = () => useSyncExternalStore(subscribe, theme);
