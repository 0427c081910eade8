// What of a draft outlives a reload: photos in IndexedDB, words in localStorage. A browser that keeps neither (private
// windows, no room) only loses that comfort.

import { clear, createStore, delMany, entries, get, set, setMany } from "idb-keyval";
import type { Prepared } from "./prepare";

export type SavedPhoto = {
  id: string;
  order: number;
  name: string;
  size: number;
  prompt: string;
  /** Until it is uploaded. */
  file?: Blob;
  key?: string;
  uploadedAt?: number;
  thumb?: Blob;
  width?: number;
  height?: number;
  note?: Prepared["note"];
  uploadSize?: number;
};

const available = typeof indexedDB !== "undefined";
const drafts = available ? createStore("bie-drafts", "photos") : undefined;
const previews = available ? createStore("bie-previews", "thumbs") : undefined;
const PREVIEWS = 1500;

const quietly = async <T>(work: Promise<T> | undefined): Promise<T | undefined> => {
  try {
    return await work;
  } catch {
    return undefined;
  }
};

const at = (user: string, id: string) => `${user}/${id}`;

export const savePhoto = (user: string, photo: SavedPhoto) => quietly(set(at(user, photo.id), photo, drafts));
export const dropPhotos = (user: string, ids: readonly string[]) =>
  quietly(
    delMany(
      ids.map((id) => at(user, id)),
      drafts,
    ),
  );

export async function loadPhotos(user: string): Promise<SavedPhoto[]> {
  const all = (await quietly(drafts && entries<string, SavedPhoto>(drafts))) ?? [];
  return all
    .filter(([key]) => key.startsWith(`${user}/`))
    .map(([, photo]) => photo)
    .sort((a, b) => a.order - b.order);
}

/** How an upload looked, for the pages of its batch on this device. */
export async function savePreviews(thumbs: [key: string, thumb: Blob][]): Promise<void> {
  const now = Date.now();
  await quietly(
    setMany(
      thumbs.map(([key, thumb]) => [key, { thumb, at: now }]),
      previews,
    ),
  );
  const all = (await quietly(previews && entries<string, { at: number }>(previews))) ?? [];
  const old = all.sort((a, b) => b[1].at - a[1].at).slice(PREVIEWS);
  await quietly(
    delMany(
      old.map(([key]) => key),
      previews,
    ),
  );
}

export const loadPreview = async (key: string) => (await quietly(get<{ thumb: Blob }>(key, previews)))?.thumb;

/** Words stay until they are forgotten; what is the tab's own goes with it. */
type Place = "localStorage" | "sessionStorage";

export function readJson<T>(name: string, place: Place = "localStorage"): T | undefined {
  try {
    const text = globalThis[place].getItem(name);
    return text ? (JSON.parse(text) as T) : undefined;
  } catch {
    return undefined;
  }
}

export function writeJson(name: string, value: unknown, place: Place = "localStorage") {
  try {
    if (value === undefined) globalThis[place].removeItem(name);
    else globalThis[place].setItem(name, JSON.stringify(value));
  } catch {
    // No room: it lives as long as the page.
  }
}

/** Nothing of this person stays in this browser. */
export async function forgetUser(user: string): Promise<void> {
  const photos = await loadPhotos(user);
  await dropPhotos(
    user,
    photos.map(({ id }) => id),
  );
  await quietly(previews && clear(previews));
  for (const kind of ["draft", "submit", "prompts"]) writeJson(`bie.${kind}.${user}`, undefined);
  writeJson(`bie.submit.${user}`, undefined, "sessionStorage");
}
