import { useEffect, useRef, useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { AccountFrame, useForm } from "./AccountFrame";
import { AnotherCode } from "./AnotherCode";
import { PasswordField } from "./PasswordField";
import type { AccountState } from "./SignInPage";

export default function ForgotPasswordPage() {
  const state = useLocation().state as AccountState;
  const navigate = useNavigate();
  const [email, setEmail] = useState(state?.email ?? "");
  const [sent, setSent] = useState(false);
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const codeField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (sent) codeField.current?.focus();
  }, [sent]);
  const form = useForm(async () => {
    const cognito = await import("./cognito");
    if (!sent) {
      await cognito.forgot(email.trim());
      setSent(true);
    } else {
      await cognito.reset(email.trim(), code.trim(), password);
      navigate("/sign-in", { state: { ...state, email: email.trim(), notice: t.forgot.done } });
    }
  });
  return (
    <AccountFrame title={t.forgot.title} lead={sent ? t.forgot.sent(email) : t.forgot.lead}>
      <form onSubmit={form.submit} className="space-y-5">
        <TextField
          label={t.email}
          type="email"
          name="email"
          autoComplete="username"
          inputMode="email"
          required
          readOnly={sent}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        {sent && (
          <>
            <TextField
              ref={codeField}
              label={t.code}
              name="code"
              autoComplete="one-time-code"
              inputMode="numeric"
              required
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
            <PasswordField label={t.newPassword} value={password} onChange={setPassword} isNew />
          </>
        )}
        {form.error && <Notice kind="bad">{form.error}</Notice>}
        <Button type="submit" look="primary" className="w-full" busy={form.busy}>
          {sent ? t.forgot.button : t.forgot.send}
        </Button>
      </form>
      {sent && <AnotherCode send={async () => (await import("./cognito")).forgot(email.trim())} />}
      <p className="text-center">
        <Link to="/sign-in" state={{ ...state, email }} className="underline">
          {t.forgot.back}
        </Link>
      </p>
    </AccountFrame>
  );
}
