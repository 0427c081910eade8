import { type InputHTMLAttributes, type ReactNode, type Ref, type TextareaHTMLAttributes, useId } from "react";
import { cn } from "./cn";

const box =
  "block w-full rounded-xl border bg-surface px-3.5 text-ink placeholder:text-ink-3 transition-colors hover:border-ink-3 focus-visible:outline-offset-0 aria-invalid:border-bad";

type Shared = { label: ReactNode; hint?: ReactNode; error?: ReactNode; aside?: ReactNode; hideLabel?: boolean };

function Frame({ id, label, hint, error, aside, hideLabel, children }: Shared & { id: string; children: ReactNode }) {
  return (
    <div className="space-y-1.5">
      <div className={cn("flex items-baseline justify-between gap-4", hideLabel && "sr-only")}>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {aside}
      </div>
      {children}
      {hint && !error && (
        <p id={`${id}-hint`} className="text-sm text-ink-2">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm font-medium text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

const described = (id: string, { hint, error }: Shared) => (error ? `${id}-error` : hint ? `${id}-hint` : undefined);

export function TextField({
  label,
  hint,
  error,
  aside,
  hideLabel,
  className,
  ...rest
}: Shared & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  const id = useId();
  const shared = { label, hint, error, aside, hideLabel: hideLabel ?? false };
  return (
    <Frame id={id} {...shared}>
      <input
        id={id}
        className={cn(box, "min-h-12 border-line-strong", className)}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, shared)}
        {...rest}
      />
    </Frame>
  );
}

export function TextArea({
  label,
  hint,
  error,
  aside,
  hideLabel,
  className,
  ...rest
}: Shared & TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> | undefined }) {
  const id = useId();
  const shared = { label, hint, error, aside, hideLabel: hideLabel ?? false };
  return (
    <Frame id={id} {...shared}>
      <textarea
        id={id}
        className={cn(box, "field-sizing-content min-h-28 resize-y border-line-strong py-3", className)}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, shared)}
        {...rest}
      />
    </Frame>
  );
}
