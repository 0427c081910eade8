import { type FormEvent, useState } from "react";
import type { Schemas } from "../../api/client";
import { common } from "../../texts/common";
import { settings as t } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";

type FormProps = { settings: Schemas["Settings"]; isSaving: boolean; onSave: (url: string | undefined) => void };

/** Where the person's own program listens, and the secret that it checks signatures with. */
export default function WebhookForm({ settings, isSaving, onSave }: FormProps) {
  const saved = settings.webhook?.url ?? "";
  const [url, setUrl] = useState(saved);
  const [known, setKnown] = useState(saved);
  const [isShown, setIsShown] = useState(false);
  const [isCopied, setIsCopied] = useState(false);
  const [error, setError] = useState<string>();
  // What is typed is lost to what was saved since, and to nothing else.
  if (saved !== known) {
    setKnown(saved);
    setUrl(saved);
  }

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const isGood = URL.canParse(url) && new URL(url).protocol === "https:";
    setError(isGood ? undefined : t.webhook.invalid);
    if (isGood) onSave(url);
  };

  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <TextField
        label={t.webhook.url}
        type="url"
        inputMode="url"
        placeholder={t.webhook.placeholder}
        value={url}
        error={error}
        onChange={(event) => setUrl(event.target.value)}
      />
      {settings.webhook && (
        <div className="space-y-1.5">
          <p className="font-medium">{t.webhook.secret}</p>
          <div className="flex flex-wrap items-center gap-2">
            <code className="min-w-0 grow truncate rounded-xl bg-sunken px-3.5 py-2.5 text-sm">
              {isShown ? settings.webhook.secret : "•".repeat(24)}
            </code>
            <Button size="s" look="quiet" onClick={() => setIsShown(!isShown)}>
              {isShown ? t.webhook.hide : t.webhook.reveal}
            </Button>
            <Button
              size="s"
              look="quiet"
              onClick={async () => {
                await navigator.clipboard.writeText(settings.webhook?.secret ?? "");
                setIsCopied(true);
              }}
            >
              {isCopied ? common.copied : common.copy}
            </Button>
          </div>
          <p className="text-sm text-ink-2">{t.webhook.secretHint}</p>
        </div>
      )}
      <div className="flex flex-wrap gap-3">
        <Button type="submit" look="primary" busy={isSaving} disabled={!url || url === saved}>
          {t.webhook.save}
        </Button>
        {settings.webhook && (
          <Button look="quiet" disabled={isSaving} onClick={() => onSave(undefined)}>
            {t.webhook.remove}
          </Button>
        )}
      </div>
    </form>
  );
}
