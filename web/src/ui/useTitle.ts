import { useEffect } from "react";
import { common } from "../texts/common";

export function useTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · ${common.product}` : common.product;
  }, [title]);
}
