import { useLayoutEffect, useRef } from "react";

/**
 * What leaves the page with the focus in it leaves the focus to its heir, or to the page: else a keyboard would begin with
 * the first link again.
 */
export function useFocusLeft<T extends HTMLElement>(heir?: (node: T) => HTMLElement | null | undefined) {
  const ref = useRef<T>(null);
  const find = useRef(heir);
  find.current = heir;
  // React runs this end before it takes the element out of the page.
  useLayoutEffect(() => {
    const node = ref.current;
    return () => {
      if (!node?.contains(document.activeElement)) return;
      (find.current?.(node) ?? document.getElementById("main"))?.focus({ preventScroll: true });
    };
  }, []);
  return ref;
}
