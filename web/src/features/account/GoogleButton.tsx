import { useQuery } from "@tanstack/react-query";
import { config } from "../../config";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { useForm } from "./AccountFrame";

/** Shown where the pool knows Google. */
export function GoogleButton() {
  const { data } = useQuery({ queryKey: ["config"], queryFn: config, staleTime: Number.POSITIVE_INFINITY });
  const { busy, submit, error } = useForm(async () => (await import("./cognito")).signInWithGoogle());
  if (!data?.googleSignIn || !data.cognitoDomain) return null;
  return (
    <div className="space-y-4">
      <div className="flex items-center gap-3 text-sm text-ink-2 before:h-px before:grow before:bg-line after:h-px after:grow after:bg-line">
        {t.or}
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      <Button className="w-full" busy={busy} onClick={() => submit()}>
        {t.google}
      </Button>
    </div>
  );
}
