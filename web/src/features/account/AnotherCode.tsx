import { useState } from "react";
import { account as t } from "../../texts/account";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { useForm } from "./AccountFrame";

/** For whoever waits for a code in vain. */
export function AnotherCode({ send }: { send: () => Promise<unknown> }) {
  const [resent, setResent] = useState(false);
  const again = useForm(async () => {
    await send();
    setResent(true);
  });
  return (
    <div className="space-y-3">
      {again.error && <Notice kind="bad">{again.error}</Notice>}
      {resent && <Notice kind="good">{t.confirm.resent}</Notice>}
      <Button look="quiet" className="w-full" busy={again.busy} onClick={() => again.submit()}>
        {t.confirm.resend}
      </Button>
    </div>
  );
}
