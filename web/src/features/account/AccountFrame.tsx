// What the sign-in pages share: a card beside a photograph, and a form that keeps what was typed when it fails.

import { type FormEvent, type ReactNode, useState } from "react";
import after from "../../assets/hero-after.webp";
import { account as t } from "../../texts/account";
import { useTitle } from "../../ui/useTitle";
import { AccountError, type AccountErrorCode } from "./errors";

export function AccountFrame({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <div className="mx-auto grid max-w-5xl overflow-hidden rounded-3xl bg-surface shadow-card md:grid-cols-[1fr_1.1fr]">
      <div className="relative hidden md:block">
        <img src={after} alt="" className="absolute inset-0 size-full object-cover object-[35%_50%]" />
      </div>
      <div className="space-y-6 p-6 py-10 sm:p-10 lg:p-14">
        <div className="space-y-2">
          <h1 className="text-3xl font-semibold">{title}</h1>
          {lead && <p className="text-ink-2 [overflow-wrap:anywhere]">{lead}</p>}
        </div>
        {children}
      </div>
    </div>
  );
}

/** Runs a form's work: busy meanwhile, an error in words if it fails. */
export function useForm(work: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<AccountErrorCode>();
  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (cause) {
      setError(AccountError.from(cause).code);
    } finally {
      setBusy(false);
    }
  };
  return { busy, submit, code: error, error: error && t.errors[error] };
}
