import { common } from "../texts/common";
import { ButtonLink } from "./Button";
import { useTitle } from "./useTitle";

export function NotFound({ title = common.notFound.title, text = common.notFound.text }) {
  useTitle(title);
  return (
    <div className="mx-auto max-w-md space-y-4 py-16 text-center">
      <h1 className="text-3xl font-semibold">{title}</h1>
      <p className="text-ink-2">{text}</p>
      <ButtonLink to="/" look="primary">
        {common.notFound.home}
      </ButtonLink>
    </div>
  );
}
