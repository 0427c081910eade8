import { useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { AccountFrame, useForm } from "./AccountFrame";
import { GoogleButton } from "./GoogleButton";
import { PasswordField } from "./PasswordField";
import type { AccountState } from "./SignInPage";
import { begin } from "./session";

export default function SignUpPage() {
  const state = useLocation().state as AccountState;
  const navigate = useNavigate();
  const [email, setEmail] = useState(state?.email ?? "");
  const [password, setPassword] = useState("");
  const form = useForm(async () => {
    const cognito = await import("./cognito");
    const step = await cognito.signUp(email.trim(), password);
    if (step === "confirm") {
      navigate("/confirm", { state: { ...state, email: email.trim() } });
    } else {
      await cognito.signIn(email.trim(), password);
      await begin();
      navigate(state?.to ?? "/new", { replace: true });
    }
  });
  const isPassword = form.code === "password";
  return (
    <AccountFrame title={t.signUp.title} lead={t.signUp.lead}>
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
        <PasswordField
          label={t.password}
          value={password}
          onChange={setPassword}
          isNew
          error={isPassword ? form.error : undefined}
        />
        {form.error && !isPassword && <Notice kind="bad">{form.error}</Notice>}
        <Button type="submit" look="primary" className="w-full" busy={form.busy}>
          {t.signUp.button}
        </Button>
      </form>
      <GoogleButton />
      <p className="border-t border-line pt-6 text-center">
        {t.signUp.other}{" "}
        <Link to="/sign-in" state={{ ...state, email }} className="font-semibold underline">
          {t.signUp.otherLink}
        </Link>
      </p>
    </AccountFrame>
  );
}
