// How the service should behave towards this person.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { type ReactNode, Suspense } from "react";
import { api, ok, type Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { common } from "../../texts/common";
import { sayProblem } from "../../texts/problem";
import { settings as t } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { later } from "../../ui/later";
import { Notice } from "../../ui/Notice";
import { Skeleton } from "../../ui/Skeleton";
import { Switch } from "../../ui/Switch";
import { setTheme, type Theme, useTheme } from "../../ui/theme";
import { useTitle } from "../../ui/useTitle";
import { signOut, useSession } from "../account/session";

const WebhookForm = later(() => import("./WebhookForm"));
const DeleteAccount = later(() => import("./DeleteAccount"));

const KEY = ["settings"];

export default function SettingsPage() {
  useTitle(t.title);
  const session = useSession();
  const theme = useTheme();
  const client = useQueryClient();
  const settings = useQuery({ queryKey: KEY, queryFn: () => ok(api.GET("/api/account/settings")) });
  const save = useMutation({
    mutationFn: (body: Schemas["SettingsRequest"]) => ok(api.PUT("/api/account/settings", { body })),
    // Each says all of it: one after the other.
    scope: { id: "settings" },
    onSuccess: (saved) => client.setQueryData(KEY, saved),
  });
  const known = settings.data;
  // What is on its way comes before what was there.
  const latest: Schemas["SettingsRequest"] = (save.isPending && save.variables) || {
    emails: known?.emails ?? true,
    ...(known?.webhook && { webhook: { url: known.webhook.url } }),
  };
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
          <Button icon={<LogOut aria-hidden className="size-4" />} onClick={() => signOut({ to: "/" })}>
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
            checked={latest.emails}
            onChange={(emails) => save.mutate({ ...latest, emails })}
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
            onSave={(url) => save.mutate({ emails: latest.emails, ...(url && { webhook: { url } }) })}
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
      <Suspense fallback={<Skeleton className="h-24" />}>{children}</Suspense>
    </section>
  );
}
