type Props = { label: string; parts: { value: number; className: string }[]; total: number };

/** A bar of several parts: done, failed, what is being worked on. */
export function Progress({ label, parts, total }: Props) {
  const done = parts[0]?.value ?? 0;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      className="flex h-2.5 overflow-hidden rounded-full bg-sunken ring-1 ring-line"
    >
      {parts.map((part) => (
        <div
          key={part.className}
          className={`${part.className} transition-[width] duration-500`}
          style={{ width: `${total ? (100 * part.value) / total : 0}%` }}
        />
      ))}
    </div>
  );
}
