import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { account as t } from "../../texts/account";
import { ButtonLink } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { AccountFrame } from "./AccountFrame";
import { begin } from "./session";

/** Where Cognito's managed login sends the browser back to. */
export default function CallbackPage() {
  const navigate = useNavigate();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    begin().then(
      () => navigate("/new", { replace: true }),
      () => setFailed(true),
    );
  }, [navigate]);
  return (
    <AccountFrame title={failed ? t.callback.failedTitle : t.callback.title}>
      {failed ? (
        <Notice kind="bad" actions={<ButtonLink to="/sign-in">{t.signIn.button}</ButtonLink>}>
          {t.callback.failed}
        </Notice>
      ) : (
        <div className="shimmer h-3 rounded-full" />
      )}
    </AccountFrame>
  );
}
