import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ok } from "../../api/client";
import { Problem } from "../../api/problem";
import { common } from "../../texts/common";
import { sayProblem } from "../../texts/problem";
import { settings as t } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { signOut } from "../account/session";
import { forgetUser } from "../draft/saved";

/** Asks for the address, because nothing brings an account back. */
export default function DeleteAccount({ user, email }: { user: string; email: string }) {
  const [isAsking, setIsAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const [isWrong, setIsWrong] = useState(false);
  const remove = useMutation({
    mutationFn: () => ok(api.DELETE("/api/account", { body: { confirm: email } })),
    onSuccess: async () => {
      await forgetUser(user);
      await signOut({ to: "/sign-in", state: { notice: t.delete.done } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const isSame = typed.trim().toLowerCase() === email.toLowerCase();
    setIsWrong(!isSame);
    if (isSame) remove.mutate();
  };
  return (
    <>
      <p className="text-ink-2">{t.delete.text}</p>
      <Button look="danger" onClick={() => setIsAsking(true)}>
        {t.delete.button}
      </Button>
      <Dialog open={isAsking} onClose={() => setIsAsking(false)} title={t.delete.sure}>
        <form onSubmit={submit} noValidate className="space-y-5">
          <p className="text-ink-2">{t.delete.sureText}</p>
          <TextField
            label={t.delete.confirm}
            type="email"
            autoComplete="off"
            placeholder={email}
            value={typed}
            error={isWrong ? t.delete.wrong : undefined}
            onChange={(event) => setTyped(event.target.value)}
          />
          {remove.error && <Notice kind="bad">{sayProblem(Problem.from(remove.error))}</Notice>}
          <div className="flex flex-wrap justify-end gap-3">
            <Button look="quiet" onClick={() => setIsAsking(false)}>
              {common.cancel}
            </Button>
            <Button type="submit" look="danger" busy={remove.isPending}>
              {t.delete.yes}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
