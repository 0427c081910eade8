// The browser's own modal dialog: it keeps the focus, closes on Escape and makes the rest inert. (Radix's puts a style
// element into the page to stop it from scrolling, which the Content-Security-Policy refuses.)

import { X } from "lucide-react";
import { type ReactNode, useId } from "react";
import { common } from "../texts/common";
import { IconButton } from "./Button";
import { cn } from "./cn";
import { useModal } from "./useModal";

type Props = {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
  wide?: boolean;
};

export function Dialog({ open, onClose, title, children, footer, wide }: Props) {
  const modal = useModal(open, onClose);
  const id = useId();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes it; Escape is the key for that.
    <dialog
      {...modal}
      aria-labelledby={id}
      onClick={(event) => event.target === event.currentTarget && onClose()}
      className={cn(
        "m-auto max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] overflow-auto rounded-3xl bg-surface p-0 shadow-card open:animate-[appear_0.2s_ease-out]",
        wide ? "max-w-3xl" : "max-w-lg",
      )}
    >
      {open && (
        <div className="flex flex-col gap-5 p-5 sm:p-7">
          <div className="flex items-start justify-between gap-4">
            <h2 id={id} className="pt-1 text-xl font-semibold">
              {title}
            </h2>
            <IconButton label={common.close} onClick={onClose} className="-mt-1 -mr-2">
              <X aria-hidden />
            </IconButton>
          </div>
          {children}
          {footer && <div className="flex flex-wrap justify-end gap-3">{footer}</div>}
        </div>
      )}
    </dialog>
  );
}
