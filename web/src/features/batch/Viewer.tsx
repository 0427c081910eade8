// One photo, large: before and after, closer, the next one.

import { ChevronLeft, ChevronRight, Download, X, ZoomIn, ZoomOut } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { batch as t } from "../../texts/batch";
import { common } from "../../texts/common";
import { Button, IconButton } from "../../ui/Button";
import { Compare } from "../../ui/Compare";
import { Notice } from "../../ui/Notice";
import { useModal } from "../../ui/useModal";
import { type Image, isGone } from "./useBatch";
import { usePreview } from "./usePreview";

type Props = {
  images: readonly Image[];
  index: number | undefined;
  onIndex: (index: number | undefined) => void;
  onDownload: (image: Image) => Promise<void>;
  onBroken: () => void;
};

const ZOOMS = [100, 200, 400];
/** How far an arrow key moves a picture that is larger than the window. */
const PAN = 80;
const ARROWS: Record<string, [left: number, top: number]> = {
  ArrowLeft: [-PAN, 0],
  ArrowRight: [PAN, 0],
  ArrowUp: [0, -PAN],
  ArrowDown: [0, PAN],
};

export default function Viewer({ images, index, onIndex, onDownload, onBroken }: Props) {
  const [zoom, setZoom] = useState(0);
  const [busy, setBusy] = useState(false);
  const [hasFailed, setHasFailed] = useState(false);
  const [broken, setBroken] = useState<string>();
  const area = useRef<HTMLDivElement>(null);
  const image = index === undefined ? undefined : images[index];
  // The upload goes before the result does; how it looked may be known here.
  const source = image?.sourceUrl === broken ? undefined : image?.sourceUrl;
  const preview = usePreview(source ? undefined : image?.key);
  const before = source ?? preview;
  const modal = useModal(image !== undefined, () => onIndex(undefined));

  const step = (by: number) => {
    if (index === undefined) return;
    setZoom(0);
    setHasFailed(false);
    onIndex((index + by + images.length) % images.length);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement) return;
    const arrow = zoom > 0 && ARROWS[event.key];
    if (arrow) area.current?.scrollBy({ left: arrow[0], top: arrow[1] });
    else if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "+") setZoom(Math.min(zoom + 1, ZOOMS.length - 1));
    else if (event.key === "-") setZoom(Math.max(zoom - 1, 0));
    else return;
    event.preventDefault();
  };

  const name = image && t.photo(image.index, image.name);
  const percent = `${ZOOMS[zoom]}%`;
  return (
    <dialog
      {...modal}
      aria-label={name}
      onKeyDown={onKey}
      className="m-0 h-dvh max-h-none w-screen max-w-none bg-bg p-0 open:flex open:flex-col"
    >
      {image && (
        <>
          <div className="flex items-center gap-1 border-b border-line p-2 sm:gap-2 sm:px-4">
            <p className="min-w-0 grow truncate px-2">
              <strong className="font-semibold">{name}</strong>{" "}
              <span className="nums text-ink-2">{t.viewer.place(image.index, images.length)}</span>
            </p>
            {image.resultUrl && (
              <>
                <IconButton
                  label={t.viewer.zoomOut}
                  aria-disabled={zoom === 0}
                  onClick={() => setZoom(Math.max(zoom - 1, 0))}
                >
                  <ZoomOut aria-hidden />
                </IconButton>
                <IconButton
                  label={t.viewer.zoomIn}
                  aria-disabled={zoom === ZOOMS.length - 1}
                  onClick={() => setZoom(Math.min(zoom + 1, ZOOMS.length - 1))}
                >
                  <ZoomIn aria-hidden />
                </IconButton>
                <Button
                  size="s"
                  look="primary"
                  busy={busy}
                  icon={<Download aria-hidden className="size-4" />}
                  onClick={async () => {
                    setBusy(true);
                    setHasFailed(false);
                    await onDownload(image).catch(() => {
                      setHasFailed(true);
                      onBroken();
                    });
                    setBusy(false);
                  }}
                >
                  <span className="max-sm:sr-only">{t.viewer.download}</span>
                </Button>
              </>
            )}
            <IconButton label={common.close} onClick={() => onIndex(undefined)}>
              <X aria-hidden />
            </IconButton>
          </div>
          {hasFailed && (
            <Notice kind="bad" className="rounded-none">
              {t.viewer.failed}
            </Notice>
          )}
          <div ref={area} className="min-h-0 grow overflow-auto bg-sunken" tabIndex={zoom ? 0 : undefined}>
            <div className="grid min-h-full place-items-center" style={{ width: percent, height: percent }}>
              {image.resultUrl ? (
                before ? (
                  <Compare
                    key={image.index}
                    before={before}
                    after={image.resultUrl}
                    alt={t.viewer.alt(name ?? "")}
                    label={t.viewer.compare}
                    onBrokenBefore={() => setBroken(source)}
                    className="size-full"
                  />
                ) : (
                  <img
                    src={image.resultUrl}
                    alt={t.viewer.alt(name ?? "")}
                    crossOrigin="anonymous"
                    className="size-full object-contain"
                  />
                )
              ) : (
                <div className="w-full max-w-md space-y-4 p-6">
                  {before && (
                    <img src={before} alt={name} className="max-h-[50dvh] w-full rounded-2xl object-contain" />
                  )}
                  {image.error ? (
                    <Notice kind="bad" title={t.state.failed}>
                      {image.error.message}
                    </Notice>
                  ) : (
                    <Notice kind="info">{isGone(image) ? t.gone.result : t.state[image.status]}</Notice>
                  )}
                </div>
              )}
            </div>
          </div>
          <div className="flex items-center justify-between border-t border-line p-2 sm:px-4">
            <IconButton label={t.viewer.previous} onClick={() => step(-1)}>
              <ChevronLeft aria-hidden />
            </IconButton>
            <p className="text-sm text-ink-2">
              {image.resultUrl && (before ? `${t.viewer.before} ⟷ ${t.viewer.after}` : t.viewer.noBefore)}
            </p>
            <IconButton label={t.viewer.next} onClick={() => step(1)}>
              <ChevronRight aria-hidden />
            </IconButton>
          </div>
        </>
      )}
    </dialog>
  );
}
