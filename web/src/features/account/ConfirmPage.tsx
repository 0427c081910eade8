import { useState } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { AccountFrame, useForm } from "./AccountFrame";
import { AnotherCode } from "./AnotherCode";
import type { AccountState } from "./SignInPage";
import { begin } from "./session";

export default function ConfirmPage() {
  const state = useLocation().state as AccountState;
  const navigate = useNavigate();
  const [code, setCode] = useState("");
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
      <AnotherCode send={async () => (await import("./cognito")).resend(email)} />
    </AccountFrame>
  );
}
