import { BookmarkPlus, X } from "lucide-react";
import { type Ref, useState } from "react";
import { draft as t } from "../../texts/draft";
import { Button } from "../../ui/Button";
import { cn } from "../../ui/cn";
import { TextArea } from "../../ui/Field";
import type { Wish } from "./draft";
import { presets, savedPrompts, savePrompts } from "./presets";

type Props = {
  user: string;
  wish: Wish;
  onWish: (wish: Partial<Wish>) => void;
  maxPrompt: number;
  /** What a click has replaced, and can bring back. */
  before: Partial<Wish> | undefined;
  onBefore: (before: Partial<Wish> | undefined) => void;
  error?: string | undefined;
  ref?: Ref<HTMLTextAreaElement> | undefined;
};

/** The wish for all photos: typed, from a preset, or one of the person's own. */
export function WishBox({ user, wish, onWish, maxPrompt, before, onBefore, error, ref }: Props) {
  const [own, setOwn] = useState(() => savedPrompts(user));
  const text = wish.prompt.trim();
  const isPreset = presets.some(({ id }) => t.presets[id].prompt === text);

  const choose = (next: Partial<Wish>) => {
    if (text && !isPreset && !own.includes(text)) onBefore({ prompt: wish.prompt, format: wish.format });
    onWish(next);
  };
  const keep = (prompts: string[]) => {
    setOwn(prompts);
    savePrompts(user, prompts);
  };

  return (
    <div className="space-y-5">
      <TextArea
        ref={ref}
        label={t.wish.label}
        placeholder={t.wish.placeholder}
        className="max-h-80 text-lg"
        value={wish.prompt}
        maxLength={maxPrompt}
        error={error}
        onChange={(event) => {
          onBefore(undefined);
          onWish({ prompt: event.target.value });
        }}
        aside={
          before ? (
            <button
              type="button"
              className="text-sm underline"
              onClick={() => {
                onWish(before);
                onBefore(undefined);
              }}
            >
              {t.wish.undo}
            </button>
          ) : (
            text &&
            !isPreset &&
            !own.includes(text) && (
              <Button
                look="quiet"
                size="s"
                className="-my-2 -mr-2"
                icon={<BookmarkPlus aria-hidden className="size-4" />}
                onClick={() => keep([text, ...own])}
              >
                {t.wish.keep}
              </Button>
            )
          )
        }
      />
      {own.length > 0 && (
        <div className="space-y-2">
          <h3 className="text-sm font-medium text-ink-2">{t.wish.own}</h3>
          <ul className="flex flex-wrap gap-2">
            {own.map((prompt) => (
              <li key={prompt} className="flex max-w-full rounded-full bg-sunken ring-1 ring-line">
                <button
                  type="button"
                  title={prompt}
                  onClick={() => choose({ prompt })}
                  className="truncate rounded-full py-1.5 pl-3.5 text-sm"
                >
                  {prompt}
                </button>
                <button
                  type="button"
                  aria-label={t.wish.removeOwn(prompt)}
                  onClick={() => keep(own.filter((other) => other !== prompt))}
                  className="grid w-8 shrink-0 place-items-center rounded-full text-ink-2 hover:text-ink"
                >
                  <X aria-hidden className="size-3.5" />
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className="space-y-2">
        <h3 className="text-sm font-medium text-ink-2">{t.wish.presets}</h3>
        <ul className="grid grid-cols-4 gap-x-2 gap-y-3">
          {presets.map(({ id, picture, wish: more }) => {
            const { name, prompt } = t.presets[id];
            const isChosen = text === prompt;
            return (
              <li key={id}>
                <button
                  type="button"
                  aria-pressed={isChosen}
                  onClick={() => choose({ prompt, ...more })}
                  className="group block w-full space-y-1.5 rounded-xl text-center"
                >
                  <img
                    src={picture}
                    alt=""
                    width={240}
                    height={240}
                    loading="lazy"
                    fetchPriority="low"
                    className={cn(
                      "aspect-square w-full rounded-xl object-cover transition-[scale,box-shadow] duration-200 group-hover:scale-[1.03]",
                      isChosen ? "ring-3 ring-accent ring-offset-2 ring-offset-bg" : "ring-1 ring-line",
                    )}
                  />
                  <span
                    className={cn("block text-xs leading-tight", isChosen ? "font-semibold text-ink" : "text-ink-2")}
                  >
                    {name}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      </div>
    </div>
  );
}
