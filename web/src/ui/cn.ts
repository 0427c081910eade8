/** Class names, without those that are off. */
export const cn = (...names: (string | false | null | undefined)[]) => names.filter(Boolean).join(" ");
