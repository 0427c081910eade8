// Wishes to start from, with a picture of what they do, and the person's own.

import blackAndWhite from "../../assets/presets/black-and-white.webp";
import brighten from "../../assets/presets/brighten.webp";
import film from "../../assets/presets/film.webp";
import goldenHour from "../../assets/presets/golden-hour.webp";
import noBackground from "../../assets/presets/no-background.webp";
import pencil from "../../assets/presets/pencil.webp";
import studio from "../../assets/presets/studio.webp";
import watercolour from "../../assets/presets/watercolour.webp";
import type { draft as t } from "../../texts/draft";
import type { Wish } from "./draft";
import { readJson, writeJson } from "./saved";

export type Preset = { id: keyof typeof t.presets; picture: string; wish?: Partial<Wish> };

export const presets: Preset[] = [
  { id: "studio", picture: studio },
  { id: "noBackground", picture: noBackground, wish: { format: "png" } },
  { id: "watercolour", picture: watercolour },
  { id: "brighten", picture: brighten },
  { id: "blackAndWhite", picture: blackAndWhite },
  { id: "goldenHour", picture: goldenHour },
  { id: "film", picture: film },
  { id: "pencil", picture: pencil },
];

const name = (user: string) => `bie.prompts.${user}`;

export const savedPrompts = (user: string) => readJson<string[]>(name(user)) ?? [];

export function savePrompts(user: string, prompts: string[]) {
  writeJson(name(user), prompts.slice(0, 50));
}
