import * as RadioGroup from "@radix-ui/react-radio-group";
import { type ReactNode, useId } from "react";

type Props<T extends string> = {
  label: ReactNode;
  hideLabel?: boolean;
  value: T;
  onChange: (value: T) => void;
  options: { value: T; label: ReactNode; hint?: ReactNode }[];
};

/** One of a few, all in sight. */
export function Choice<T extends string>({ label, hideLabel, value, onChange, options }: Props<T>) {
  const id = useId();
  return (
    <div className="space-y-2">
      <p id={id} className={hideLabel ? "sr-only" : "font-medium"}>
        {label}
      </p>
      <RadioGroup.Root
        aria-labelledby={id}
        value={value}
        onValueChange={(next) => onChange(next as T)}
        className="flex flex-wrap gap-2"
      >
        {options.map((option) => (
          <RadioGroup.Item
            key={option.value}
            value={option.value}
            className="min-h-11 rounded-xl border border-line-strong bg-surface px-3.5 py-1.5 text-left leading-tight transition-colors hover:border-ink data-[state=checked]:border-ink data-[state=checked]:bg-ink data-[state=checked]:text-bg"
          >
            <span className="font-medium">{option.label}</span>
            {option.hint && <span className="block text-xs opacity-85">{option.hint}</span>}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </div>
  );
}
