import { useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { AccountFrame, useForm } from "./AccountFrame";
import { GoogleButton } from "./GoogleButton";
import { PasswordField } from "./PasswordField";
import { begin } from "./session";

export type AccountState = { email?: string; to?: string; notice?: string; ended?: boolean } | null;

export default function SignInPage() {
  const state = useLocation().state as AccountState;
  const navigate = useNavigate();
  const [email, setEmail] = useState(state?.email ?? "");
  const [password, setPassword] = useState("");
  const form = useForm(async () => {
    const step = await (await import("./cognito")).signIn(email.trim(), password);
    if (step === "confirm") {
      await (await import("./cognito")).resend(email.trim());
      navigate("/confirm", { state: { ...state, email: email.trim() } });
    } else if (step === "reset") {
      navigate("/forgot-password", { state: { ...state, email: email.trim() } });
    } else {
      await begin();
      navigate(state?.to ?? "/new", { replace: true });
    }
  });
  return (
    <AccountFrame title={t.signIn.title}>
      {state?.notice && <Notice kind="good">{state.notice}</Notice>}
      {state?.ended && <Notice kind="info">{t.ended}</Notice>}
      <form onSubmit={form.submit} className="space-y-5">
        <TextField
          label={t.email}
          type="email"
          name="email"
          autoComplete="username"
          inputMode="email"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <PasswordField label={t.password} value={password} onChange={setPassword} />
        {form.error && <Notice kind="bad">{form.error}</Notice>}
        <Button type="submit" look="primary" className="w-full" busy={form.busy}>
          {t.signIn.button}
        </Button>
        <p className="text-center text-sm">
          <Link to="/forgot-password" state={{ ...state, email }} className="text-ink-2 underline hover:text-ink">
            {t.signIn.forgot}
          </Link>
        </p>
      </form>
      <GoogleButton />
      <p className="border-t border-line pt-6 text-center">
        {t.signIn.other}{" "}
        <Link to="/sign-up" state={{ ...state, email }} className="font-semibold underline">
          {t.signIn.otherLink}
        </Link>
      </p>
    </AccountFrame>
  );
}
