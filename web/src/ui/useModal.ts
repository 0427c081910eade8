import { useLayoutEffect, useRef } from "react";

/**
 * For the browser's own dialog: a modal while it is open. It is closed before it leaves the page, too, or the focus would
 * not go back to where it was.
 */
export function useModal(isOpen: boolean, onClose: () => void) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const node = ref.current;
    if (!isOpen || !node) return;
    node.showModal();
    return () => node.close();
  }, [isOpen]);
  return {
    ref,
    onClose: () => {
      if (!ref.current?.open) onClose();
    },
  };
}
