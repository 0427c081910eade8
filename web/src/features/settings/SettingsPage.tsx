// How the service should behave towards this person.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { call, type Settings, type SettingsRequest } from "../../api/later";
import { Problem } from "../../api/problem";
import { common } from "../../texts/common";
import { sayProblem } from "../../texts/problem";
import { settings as t } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Skeleton } from "../../ui/Skeleton";
import { Switch } from "../../ui/Switch";
import { setTheme, type Theme, useTheme } from "../../ui/theme";
import { useTitle } from "../../ui/useTitle";
import { signOut, useSession } from "../account/session";
import { DeleteAccount } from "./DeleteAccount";

const KEY = ["settings"];

export default function SettingsPage() {
  useTitle(t.title);
  const session = useSession();
  const theme = useTheme();
  const navigate = useNavigate();
  const client = useQueryClient();
  const settings = useQuery({ queryKey: KEY, queryFn: () => call<Settings>("GET", "/api/account/settings") });
  const save = useMutation({
    mutationFn: (wanted: SettingsRequest) => call<Settings>("PUT", "/api/account/settings", wanted),
    onSuccess: (saved) => client.setQueryData(KEY, saved),
  });
  const known = settings.data;
  const themes: Theme[] = ["system", "light", "dark"];

  return (
    <div className="mx-auto max-w-3xl space-y-6">
      <h1 className="text-4xl font-semibold">{t.title}</h1>
      {settings.error && <Notice kind="bad">{sayProblem(Problem.from(settings.error))}</Notice>}
      {save.error && <Notice kind="bad">{sayProblem(Problem.from(save.error))}</Notice>}
      <p role="status" className="sr-only">
        {save.isSuccess && t.saved}
      </p>

      <Card title={t.account}>
        <div className="flex flex-wrap items-center justify-between gap-4">
          <p className="min-w-0">
            <span className="block text-sm text-ink-2">{t.signedInAs}</span>
            <span className="font-medium [overflow-wrap:anywhere]">{session?.email}</span>
          </p>
          <Button
            icon={<LogOut aria-hidden className="size-4" />}
            onClick={async () => {
              await signOut();
              client.clear();
              navigate("/");
            }}
          >
            {common.signOut}
          </Button>
        </div>
      </Card>

      <Card title={t.appearance}>
        <Choice
          label={common.theme.label}
          hideLabel
          value={theme}
          onChange={setTheme}
          options={themes.map((value) => ({ value, label: common.theme[value] }))}
        />
      </Card>

      <Card title={t.notices}>
        {known ? (
          <Switch
            label={t.emails}
            hint={t.emailsHint}
            checked={save.isPending ? (save.variables?.emails ?? known.emails) : known.emails}
            onChange={(emails) => save.mutate({ emails, webhook: known.webhook && { url: known.webhook.url } })}
          />
        ) : (
          <Skeleton className="h-12" />
        )}
      </Card>

      <Card title={t.webhook.title}>
        <p className="text-ink-2">{t.webhook.text}</p>
        {known ? (
          <WebhookForm
            settings={known}
            isSaving={save.isPending}
            onSave={(url) => save.mutate({ emails: known.emails, webhook: url ? { url } : null })}
          />
        ) : (
          <Skeleton className="h-24" />
        )}
      </Card>

      {session && (
        <Card title={t.delete.title}>
          <DeleteAccount user={session.userId} email={session.email} />
        </Card>
      )}
    </div>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="space-y-5 rounded-3xl bg-surface p-5 shadow-card sm:p-7">
      <h2 className="text-xl font-semibold">{title}</h2>
      {children}
    </section>
  );
}

type FormProps = { settings: Settings; isSaving: boolean; onSave: (url: string | undefined) => void };

function WebhookForm({ settings, isSaving, onSave }: FormProps) {
  const saved = settings.webhook?.url ?? "";
  const [url, setUrl] = useState(saved);
  const [isShown, setIsShown] = useState(false);
  const [isCopied, setIsCopied] = useState(false);
  const [error, setError] = useState<string>();
  useEffect(() => setUrl(saved), [saved]);

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
