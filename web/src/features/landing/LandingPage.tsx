// What somebody sees who has not signed in.

import { ArrowRight } from "lucide-react";
import heroAfter from "../../assets/hero-after.webp";
import heroAfterSmall from "../../assets/hero-after-small.webp";
import heroBefore from "../../assets/hero-before.webp";
import heroBeforeSmall from "../../assets/hero-before-small.webp";
import astronautAfter from "../../assets/sheet-astronaut-after.webp";
import astronautBefore from "../../assets/sheet-astronaut-before.webp";
import coffeeAfter from "../../assets/sheet-coffee-after.webp";
import coffeeBefore from "../../assets/sheet-coffee-before.webp";
import rocketAfter from "../../assets/sheet-rocket-after.webp";
import rocketBefore from "../../assets/sheet-rocket-before.webp";
import { landing as t } from "../../texts/landing";
import { ButtonLink } from "../../ui/Button";
import { Compare } from "../../ui/Compare";
import { useTitle } from "../../ui/useTitle";

const sheet = [
  [coffeeBefore, coffeeAfter],
  [rocketBefore, rocketAfter],
  [astronautBefore, astronautAfter],
] as const;

export default function LandingPage() {
  useTitle("");
  return (
    <div className="space-y-20 sm:space-y-28">
      <section className="grid items-center gap-8 lg:grid-cols-[5fr_6fr] lg:gap-14">
        <div className="space-y-6 lg:py-10">
          <h1 className="text-5xl leading-[1.02] font-semibold sm:text-6xl xl:text-7xl">{t.title}</h1>
          <p className="max-w-prose text-lg text-ink-2 sm:text-xl">{t.lead}</p>
          <div className="space-y-3">
            <ButtonLink to="/sign-up" look="primary" size="l">
              {t.start}
              <ArrowRight aria-hidden className="size-5" />
            </ButtonLink>
            <p className="text-ink-2">{t.price}</p>
          </div>
        </div>
        <figure className="space-y-3">
          <Compare
            before={heroBefore}
            after={heroAfter}
            sets={{
              before: `${heroBeforeSmall} 720w, ${heroBefore} 960w`,
              after: `${heroAfterSmall} 720w, ${heroAfter} 960w`,
              sizes: "(min-width: 64rem) 40rem, 94vw",
            }}
            alt={t.hero.alt}
            label={t.hero.slider}
            eager
            className="aspect-[3/2] rounded-3xl bg-sunken shadow-card [&>img]:object-cover"
          />
          <figcaption className="text-center text-ink-2">{t.hero.wish}</figcaption>
        </figure>
      </section>

      <section className="grid gap-10 md:grid-cols-3 md:gap-8">
        {t.steps.map((step, index) => (
          <div key={step.title} className="space-y-2 border-t-2 border-ink pt-5">
            <p aria-hidden className="nums text-sm font-semibold text-accent-text">
              {index + 1}
            </p>
            <h2 className="text-2xl font-semibold">{step.title}</h2>
            <p className="text-ink-2">{step.text}</p>
          </div>
        ))}
      </section>

      <section aria-label={t.sheet} className="rounded-3xl bg-surface p-4 shadow-card sm:p-8">
        <div className="grid grid-cols-2 gap-2 sm:grid-cols-3 sm:gap-4 lg:grid-cols-6">
          {sheet.flatMap(([before, after]) => [
            <img
              key={before}
              src={before}
              alt=""
              loading="lazy"
              width={320}
              height={320}
              className="aspect-square rounded-lg"
            />,
            <img
              key={after}
              src={after}
              alt=""
              loading="lazy"
              width={320}
              height={320}
              className="aspect-square rounded-lg"
            />,
          ])}
        </div>
      </section>

      <section className="grid gap-8 md:grid-cols-3">
        {t.promises.map((promise) => (
          <div key={promise.title} className="space-y-1.5">
            <h2 className="text-lg font-semibold">{promise.title}</h2>
            <p className="text-ink-2">{promise.text}</p>
          </div>
        ))}
      </section>
    </div>
  );
}
