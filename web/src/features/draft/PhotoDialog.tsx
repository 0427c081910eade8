import { Trash2 } from "lucide-react";
import { bytes, common } from "../../texts/common";
import { draft as t } from "../../texts/draft";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea } from "../../ui/Field";
import type { Photo } from "./draft";

type Props = {
  photo: Photo | undefined;
  maxPrompt: number;
  onClose: () => void;
  onPrompt: (id: string, prompt: string) => void;
  onRemove: (id: string) => void;
};

/** One photo: what it is, and a wish of its own. */
export default function PhotoDialog({ photo, maxPrompt, onClose, onPrompt, onRemove }: Props) {
  const facts = photo && [
    photo.width && `${photo.width} × ${photo.height}`,
    bytes(photo.uploadSize ?? photo.size),
    photo.note === "shrunk" && t.photos.shrunk(photo.size, photo.uploadSize ?? photo.size),
    (photo.note === "converted" || photo.note === "convertedToWebP") && t.photos[photo.note],
  ];
  return (
    <Dialog
      open={photo !== undefined}
      onClose={onClose}
      title={<span className="[overflow-wrap:anywhere]">{photo?.name}</span>}
      footer={
        photo && (
          <>
            <Button
              look="quiet"
              icon={<Trash2 aria-hidden className="size-4" />}
              onClick={() => {
                onRemove(photo.id);
                onClose();
              }}
            >
              {t.photos.remove("")}
            </Button>
            <Button look="primary" onClick={onClose}>
              {common.save}
            </Button>
          </>
        )
      }
    >
      {photo && (
        <>
          {photo.thumb && (
            <img src={photo.thumb} alt="" className="checker max-h-72 w-full rounded-2xl object-contain" />
          )}
          <p className="text-sm text-ink-2">{facts?.filter(Boolean).join(" · ")}</p>
          <TextArea
            label={t.wish.ownLabel}
            hint={t.wish.ownHint}
            value={photo.prompt}
            maxLength={maxPrompt}
            onChange={(event) => onPrompt(photo.id, event.target.value)}
          />
        </>
      )}
    </Dialog>
  );
}
