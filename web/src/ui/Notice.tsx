import { CircleAlert, CircleCheck, Info } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "./cn";

type Props = {
  kind: "bad" | "good" | "info";
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  className?: string;
};

const looks = { bad: "bg-bad-soft text-bad", good: "bg-good-soft text-good", info: "bg-accent-soft text-accent-text" };
const icons = { bad: CircleAlert, good: CircleCheck, info: Info };

export function Notice({ kind, title, children, actions, className }: Props) {
  const Icon = icons[kind];
  return (
    <div
      role={kind === "bad" ? "alert" : "status"}
      className={cn("flex gap-3 rounded-2xl p-4", looks[kind], className)}
    >
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0 grow space-y-1">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div className="text-ink [overflow-wrap:anywhere]">{children}</div>}
        {actions && <div className="flex flex-wrap gap-2 pt-2">{actions}</div>}
      </div>
    </div>
  );
}
