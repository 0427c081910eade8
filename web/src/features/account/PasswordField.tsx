import { useState } from "react";
import { account as t } from "../../texts/account";
import { TextField } from "../../ui/Field";

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  isNew?: boolean;
  error?: string | undefined;
};

export function PasswordField({ label, value, onChange, isNew, error }: Props) {
  const [shown, setShown] = useState(false);
  return (
    <TextField
      label={label}
      type={shown ? "text" : "password"}
      name="password"
      autoComplete={isNew ? "new-password" : "current-password"}
      required
      minLength={isNew ? 10 : undefined}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      hint={isNew && t.passwordHint}
      error={error}
      aside={
        <button type="button" className="rounded text-sm text-ink-2 underline" onClick={() => setShown(!shown)}>
          {shown ? t.hide : t.show}
          <span className="sr-only"> {label}</span>
        </button>
      }
    />
  );
}
