import { useEffect, useState } from "react";
import { loadPreview } from "../draft/saved";

/** How a photo looked when it was uploaded from this device. */
export function usePreview(key: string | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!key) return;
    let made: string | undefined;
    let gone = false;
    void loadPreview(key).then((thumb) => {
      if (!thumb || gone) return;
      made = URL.createObjectURL(thumb);
      setUrl(made);
    });
    return () => {
      gone = true;
      setUrl(undefined);
      if (made) URL.revokeObjectURL(made);
    };
  }, [key]);
  return url;
}
