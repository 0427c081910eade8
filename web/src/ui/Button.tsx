import { LoaderCircle } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { Link, type LinkProps } from "react-router";
import { cn } from "./cn";

type Look = "primary" | "secondary" | "quiet" | "danger";
type Size = "s" | "m" | "l";

const looks: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover",
  secondary: "bg-surface text-ink border border-line hover:border-line-strong",
  quiet: "text-ink-2 hover:text-ink hover:bg-sunken",
  danger: "bg-bad-soft text-bad hover:brightness-95",
};
const sizes: Record<Size, string> = {
  s: "min-h-9 px-3 text-sm rounded-lg gap-1.5",
  m: "min-h-11 px-4 rounded-xl gap-2",
  l: "min-h-13 px-6 text-lg rounded-2xl gap-2.5",
};

export const buttonClass = (look: Look = "secondary", size: Size = "m", more?: string) =>
  cn(
    "inline-flex items-center justify-center font-semibold select-none transition-[background-color,border-color,color,filter,scale] duration-150 active:scale-[0.98]",
    "aria-disabled:opacity-55 aria-disabled:active:scale-100",
    looks[look],
    sizes[size],
    more,
  );

type Props = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: Look;
  size?: Size;
  icon?: ReactNode;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
};

/** Stays focusable while it is busy or off: `aria-disabled`, so that nobody loses their place. */
export function Button({ look, size, icon, busy, disabled, className, children, onClick, type, ...rest }: Props) {
  const off = busy || disabled;
  return (
    <button
      type={type ?? "button"}
      className={buttonClass(look, size, className)}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => (off ? event.preventDefault() : onClick?.(event))}
      {...rest}
    >
      {busy ? <LoaderCircle aria-hidden className="size-[1.1em] animate-spin" /> : icon}
      {children}
    </button>
  );
}

export function ButtonLink({
  look,
  size,
  icon,
  className,
  children,
  ...rest
}: LinkProps & { look?: Look; size?: Size; icon?: ReactNode }) {
  return (
    <Link className={buttonClass(look, size, className)} {...rest}>
      {icon}
      {children}
    </Link>
  );
}

export function IconButton({ label, className, children, ...rest }: Omit<Props, "look" | "size"> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={cn(
        "inline-grid size-10 place-items-center rounded-xl text-ink-2 transition-colors hover:bg-sunken hover:text-ink [&>svg]:size-5",
        className,
      )}
      {...rest}
    >
      {children}
    </button>
  );
}
