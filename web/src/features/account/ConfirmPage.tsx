import { useState } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { AccountFrame, useForm } from "./AccountFrame";
import type { AccountState } from "./SignInPage";
import { begin } from "./session";

export default function ConfirmPage() {
  const state = useLocation().state as AccountState;
  const navigate = useNavigate();
  const [code, setCode] = useState("");
  const [resent, setResent] = useState(false);
  const email = state?.email ?? "";
  const form = useForm(async () => {
    const cognito = await import("./cognito");
    await cognito.confirm(email, code.trim());
    try {
      if (await cognito.signInAsTyped(email)) {
        await begin();
        navigate(state?.to ?? "/new", { replace: true });
        return;
      }
    } catch {
      // The code is used up: signing in is all that is left to do.
    }
    navigate("/sign-in", { replace: true, state: { email, to: state?.to, notice: t.confirm.signInAfter } });
  });
  const again = useForm(async () => {
    await (await import("./cognito")).resend(email);
    setResent(true);
  });
  if (!email) return <Navigate to="/sign-in" replace />;
  return (
    <AccountFrame title={t.confirm.title} lead={t.confirm.lead(email)}>
      <form onSubmit={form.submit} className="space-y-5">
        <TextField
          label={t.code}
          name="code"
          autoComplete="one-time-code"
          inputMode="numeric"
          pattern="[0-9 ]*"
          required
          className="nums text-2xl tracking-[0.3em]"
          value={code}
          onChange={(event) => setCode(event.target.value)}
          error={form.error}
        />
        <Button type="submit" look="primary" className="w-full" busy={form.busy}>
          {t.confirm.button}
        </Button>
      </form>
      <div className="space-y-3">
        {again.error && <Notice kind="bad">{again.error}</Notice>}
        {resent && <Notice kind="good">{t.confirm.resent}</Notice>}
        <Button look="quiet" className="w-full" busy={again.busy} onClick={() => again.submit()}>
          {t.confirm.resend}
        </Button>
      </div>
    </AccountFrame>
  );
}
