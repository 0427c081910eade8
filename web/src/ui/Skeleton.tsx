import { common as t } from "../texts/common";
import { cn } from "./cn";

export const Skeleton = ({ className }: { className?: string }) => (
  <div aria-hidden className={cn("shimmer rounded-xl", className)} />
);

export function PageSkeleton() {
  return (
    <div role="status" className="min-h-dvh space-y-6">
      <span className="sr-only">{t.loading}</span>
      <Skeleton className="h-10 w-64" />
      <Skeleton className="h-48" />
    </div>
  );
}
