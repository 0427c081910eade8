import { type RefObject, useEffect, useState } from "react";

/** Whether an element is in sight, or near it; with `once`, whether it ever was. */
export function useInView(ref: RefObject<Element | null>, margin: string, once = false): boolean {
  const [isIn, setIsIn] = useState(false);
  useEffect(() => {
    const node = ref.current;
    if (!node) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        const now = entry?.isIntersecting ?? false;
        setIsIn(now);
        if (now && once) observer.disconnect();
      },
      { rootMargin: margin },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, [ref, margin, once]);
  return isIn;
}
