// The batch that is being put together: photos on their way into the bucket, and what is wished for them. Lives outside
// React, so that uploads go on while somebody looks at another page. Knows neither prices nor how a batch is submitted.

import { useSyncExternalStore } from "react";
import { api, ok, type Schemas } from "../../api/client";
import { Problem } from "../../api/problem";
import { whenPersonLeaves } from "../account/session";
import type { RefusalCode } from "./kinds";
import { type Prepared, prepare, WORKERS } from "./prepare";
import { dropPhotos, loadPhotos, readJson, type SavedPhoto, savePhoto, savePreviews, writeJson } from "./saved";
import { isFresh, type Link, upload } from "./upload";

export type PhotoState = "waiting" | "preparing" | "ready" | "uploading" | "uploaded" | "failed" | "refused";

export type Photo = {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly state: PhotoState;
  /** Of the upload, from 0 to 1. */
  readonly progress: number;
  readonly prompt: string;
  readonly reason?: RefusalCode | undefined;
  readonly problem?: Problem | undefined;
  readonly thumb?: string;
  readonly width?: number;
  readonly height?: number;
  readonly note?: Prepared["note"];
  readonly uploadSize?: number;
  readonly key?: string | undefined;
  readonly uploadedAt?: number | undefined;
};

export type Wish = {
  prompt: string;
  quality: Schemas["Quality"];
  size: string;
  format: Schemas["Format"];
  shrink: boolean;
  convert: boolean;
};

export type Snapshot = { readonly photos: readonly Photo[]; readonly wish: Wish; readonly loaded: boolean };

const FIRST_WISH: Wish = { prompt: "", quality: "medium", size: "auto", format: "jpeg", shrink: true, convert: true };

/** Uploads at a time. */
const PARALLEL = 5;
/** Photos that are prepared and not uploaded yet; more would only fill the memory. */
const READY = 12;
/** An upload that was not submitted within this time is made anew: the bucket throws it away after 30 days. */
const UPLOAD_LIFETIME_MS = 28 * 24 * 3600 * 1000;

type Limits = Pick<Schemas["Limits"], "maxFileBytes" | "maxPixels" | "maxImagesPerBatch" | "maxFilesPerPresign">;

export class Draft {
  #photos = new Map<string, Photo>();
  #files = new Map<string, Blob>();
  #bodies = new Map<string, Blob>();
  #thumbs = new Map<string, Blob>();
  #links = new Map<string, Link>();
  #aborts = new Map<string, AbortController>();
  #asking: Promise<void> | undefined;
  #limits: Limits = { maxFileBytes: 50e6, maxPixels: 50e6, maxImagesPerBatch: 500, maxFilesPerPresign: 100 };
  /** Each photo's place among those that are kept. */
  #orders = new Map<string, number>();
  #nextOrder = 0;
  #unsaved = new Set<string>();
  #keeps = false;
  #wish: Wish;
  #loaded = false;
  #snapshot: Snapshot;
  #listeners = new Set<() => void>();
  #told = false;
  #stopped = new AbortController();

  constructor(readonly user: string) {
    this.#wish = { ...FIRST_WISH, ...readJson<Partial<Wish>>(this.#name) };
    this.#snapshot = { photos: [], wish: this.#wish, loaded: false };
    void this.#load();
    addEventListener("online", () => this.#retryUnheard(), { signal: this.#stopped.signal });
  }

  get #name() {
    return `bie.draft.${this.user}`;
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  snapshot = () => this.#snapshot;

  get limits() {
    return this.#limits;
  }

  set limits(limits: Limits) {
    this.#limits = limits;
  }

  /** Nothing goes on here any more. What is kept in this browser stays there, for the next draft of this person. */
  stop() {
    this.#stopped.abort();
    for (const abort of this.#aborts.values()) abort.abort();
    for (const { thumb } of this.#photos.values()) if (thumb) URL.revokeObjectURL(thumb);
  }

  /** One tab keeps the draft; a second one starts with an empty table, or the same photos would be bought twice. */
  async #load() {
    this.#keeps = await new Promise<boolean>((resolve) => {
      if (!navigator.locks) return resolve(true);
      void navigator.locks.request(`bie-draft-${this.user}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        if (!lock || this.#stopped.signal.aborted) return;
        return new Promise((release) => this.#stopped.signal.addEventListener("abort", release));
      });
    });
    const kept = this.#keeps ? await loadPhotos(this.user) : [];
    const early = [...this.#photos.keys()];
    if (this.#stopped.signal.aborted) return;
    for (const saved of kept) {
      this.#orders.set(saved.id, saved.order);
      this.#nextOrder = Math.max(this.#nextOrder, saved.order + 1);
      const { id, name, size, prompt, file, thumb } = saved;
      const isThere = saved.key && Date.now() - (saved.uploadedAt ?? 0) < UPLOAD_LIFETIME_MS;
      const isGone = !isThere && !file;
      if (isGone) void dropPhotos(this.user, [id]);
      if (file) this.#files.set(id, file);
      if (thumb) this.#thumbs.set(id, thumb);
      this.#photos.set(id, {
        id,
        name,
        size,
        prompt,
        state: isThere ? "uploaded" : isGone ? "refused" : "waiting",
        progress: isThere ? 1 : 0,
        ...(isGone && { reason: "expired" as const }),
        ...(isThere && saved.key && { key: saved.key }),
        ...(isThere && saved.uploadedAt && { uploadedAt: saved.uploadedAt }),
        ...(thumb && { thumb: URL.createObjectURL(thumb) }),
        ...(saved.width && { width: saved.width }),
        ...(saved.height && { height: saved.height }),
        ...(saved.uploadSize && { uploadSize: saved.uploadSize }),
        note: saved.note,
      });
    }
    // What was added before this was known comes after what was there.
    for (const id of early) {
      this.#orders.set(id, this.#nextOrder);
      this.#nextOrder += 1;
      this.#save(id);
    }
    this.#loaded = true;
    this.#tell();
    this.#pump();
  }

  /** Whether this tab is the one that keeps the draft over a reload. */
  get keeps() {
    return this.#keeps;
  }

  /** Files that were chosen, and the names of those that the browser could not open. */
  add(files: Iterable<File>, unreadable: Iterable<string> = []) {
    for (const name of unreadable) this.#put({ name, size: 0, state: "refused", reason: "unreadable" });
    for (const file of files) {
      const name = file.name || "pasted.png";
      const { size } = file;
      const gone = [...this.#photos.values()].find(
        (photo) => photo.reason === "expired" && photo.name === name && photo.size === size,
      );
      const id = gone?.id ?? this.#put({ name, size, state: "refused", reason: "tooManyPhotos" });
      this.#files.set(id, file);
      if (!gone) {
        this.#orders.set(id, this.#nextOrder);
        this.#nextOrder += 1;
      }
      if (this.#room > 0) this.#again(id);
    }
    this.#tell();
    this.#pump();
  }

  #put(photo: Pick<Photo, "name" | "size" | "state" | "reason">): string {
    const id = crypto.randomUUID();
    this.#photos.set(id, { id, progress: 0, prompt: "", ...photo });
    return id;
  }

  remove(id: string) {
    this.#drop([id]);
    this.#admit();
    this.#tell();
    this.#pump();
  }

  #drop(ids: readonly string[]) {
    for (const id of ids) {
      this.#aborts.get(id)?.abort();
      const thumb = this.#photos.get(id)?.thumb;
      if (thumb) URL.revokeObjectURL(thumb);
      for (const map of [this.#photos, this.#files, this.#bodies, this.#thumbs, this.#links, this.#aborts])
        map.delete(id);
    }
    void dropPhotos(this.user, ids);
  }

  /** Of one batch. */
  get #room() {
    return this.#limits.maxImagesPerBatch - (this.#photos.size - this.#count("refused"));
  }

  /** What found no room gets it when there is some. */
  #admit() {
    let room = this.#room;
    for (const { id, reason } of this.#photos.values()) {
      if (reason !== "tooManyPhotos" || room <= 0) continue;
      this.#again(id);
      room -= 1;
    }
  }

  /** From the beginning, whatever was wrong with it before. */
  #again(id: string) {
    const state = this.#bodies.has(id) ? "ready" : "waiting";
    const nothing = { reason: undefined, problem: undefined, key: undefined, uploadedAt: undefined };
    this.#update(id, { ...nothing, state, progress: 0 });
    this.#save(id);
  }

  clear() {
    this.#drop([...this.#photos.keys()]);
    this.#tell();
  }

  retry(id: string) {
    if (this.#photos.get(id)?.state !== "failed") return;
    this.#again(id);
    this.#pump();
  }

  /** What failed for want of an answer gets its chance when there is a network. */
  #retryUnheard() {
    for (const { id, problem } of this.#photos.values()) if (problem?.isUncertain) this.retry(id);
  }

  setPrompt(id: string, prompt: string) {
    this.#update(id, { prompt });
    this.#show();
    this.#save(id);
  }

  setWish(wish: Partial<Wish>) {
    this.#wish = { ...this.#wish, ...wish };
    writeJson(this.#name, this.#wish);
    this.#show();
    // What was refused for a switch gets its chance when the switch is on.
    if (wish.convert || wish.shrink) {
      for (const { id, reason } of this.#photos.values()) {
        const isForConvert = reason === "needsConversion" && wish.convert;
        const isForShrink = (reason === "tooManyBytes" || reason === "tooManyPixels") && wish.shrink;
        if (isForConvert || isForShrink) this.#update(id, { reason: "tooManyPhotos" });
      }
      this.#admit();
      this.#pump();
    }
  }

  /** What will be in the batch. */
  get usable(): Photo[] {
    return [...this.#photos.values()].filter(({ state }) => state !== "refused" && state !== "failed");
  }

  /** The keys are no good any more: everything is uploaded anew, where the photo is still here. */
  forgetUploads() {
    for (const { id, state } of this.#photos.values()) {
      if (state !== "uploaded") continue;
      this.#again(id);
      if (!this.#files.has(id)) this.#refuse(id, "expired");
    }
    this.#tell();
    this.#pump();
  }

  /** After a submit: what was asked for is a batch's now. What was not in it stays, and the wish with it. */
  submitted({ images, prompt }: Schemas["SubmitRequest"]) {
    const keys = new Set(images.map(({ key }) => key));
    const gone = [...this.#photos.values()].filter(({ key }) => key && keys.has(key));
    const thumbs = gone.flatMap(({ id, key }): [string, Blob][] => {
      const thumb = this.#thumbs.get(id);
      return key && thumb ? [[key, thumb]] : [];
    });
    void savePreviews(thumbs);
    this.#drop(gone.map(({ id }) => id));
    this.#admit();
    const isAll = this.#photos.size === this.#count("refused");
    if (isAll && this.#wish.prompt.trim() === prompt) this.setWish({ prompt: "" });
    this.#tell();
    this.#pump();
  }

  #update(id: string, change: Partial<Photo>) {
    const photo = this.#photos.get(id);
    if (!photo) return;
    this.#photos.set(id, { ...photo, ...change });
    this.#tell();
  }

  /** Soon, and a few at a time: handing 200 files to the database at once would stop the page. */
  #save(id: string) {
    if (!this.#keeps) return;
    if (this.#unsaved.size === 0) setTimeout(() => this.#saveSome());
    this.#unsaved.add(id);
  }

  #saveSome() {
    for (const id of [...this.#unsaved].slice(0, 8)) {
      this.#unsaved.delete(id);
      this.#saveNow(id);
    }
    if (this.#unsaved.size > 0) setTimeout(() => this.#saveSome());
  }

  #saveNow(id: string) {
    const photo = this.#photos.get(id);
    if (!photo || photo.state === "refused") return;
    const file = this.#files.get(id);
    const thumb = this.#thumbs.get(id);
    const order = this.#orders.get(id) ?? 0;
    const { name, size, prompt, key, uploadedAt, width, height, note, uploadSize } = photo;
    const saved: SavedPhoto = {
      id,
      order,
      name,
      size,
      prompt,
      note,
      ...(file && !key && { file }),
      ...(key && uploadedAt && { key, uploadedAt }),
      ...(thumb && { thumb }),
      ...(width && { width }),
      ...(height && { height }),
      ...(uploadSize && { uploadSize }),
    };
    void savePhoto(this.user, saved);
  }

  /** At most once a frame, however many photos moved. */
  #tell() {
    if (this.#told) return;
    this.#told = true;
    const now = () => {
      this.#told = false;
      this.#show();
    };
    if (document.visibilityState === "visible") requestAnimationFrame(now);
    else setTimeout(now, 100);
  }

  /** At once. What is typed must be: React puts back what was there before when a key's event ends without it. */
  #show() {
    this.#snapshot = { photos: [...this.#photos.values()], wish: this.#wish, loaded: this.#loaded };
    for (const listener of this.#listeners) listener();
  }

  #count(...states: PhotoState[]) {
    let count = 0;
    for (const { state } of this.#photos.values()) if (states.includes(state)) count += 1;
    return count;
  }

  #pump() {
    if (this.#stopped.signal.aborted) return;
    for (const { id, state } of this.#photos.values()) {
      if (state === "ready" && this.#count("uploading") < PARALLEL) void this.#upload(id);
    }
    for (const { id, state } of this.#photos.values()) {
      const hasRoom = this.#count("preparing") < WORKERS && this.#count("ready", "uploading") < READY;
      if (state === "waiting" && hasRoom) void this.#prepare(id);
    }
  }

  async #prepare(id: string) {
    const file = this.#files.get(id);
    if (!file) return;
    this.#update(id, { state: "preparing" });
    const { shrink, convert } = this.#wish;
    const { maxFileBytes, maxPixels } = this.#limits;
    const answer = await prepare({ file, shrink, convert, maxFileBytes, maxPixels });
    if (!this.#photos.has(id) || this.#stopped.signal.aborted) return;
    if ("refused" in answer) {
      this.#refuse(id, answer.refused);
    } else if ("notLoaded" in answer) {
      this.#update(id, { state: "failed", problem: new Problem(0, "preparation_not_loaded", "") });
    } else {
      const { blob, thumb, width, height, note } = answer.prepared;
      this.#bodies.set(id, blob);
      this.#thumbs.set(id, thumb);
      const previous = this.#photos.get(id)?.thumb;
      if (previous) URL.revokeObjectURL(previous);
      this.#update(id, {
        state: "ready",
        thumb: URL.createObjectURL(thumb),
        width,
        height,
        note,
        uploadSize: blob.size,
      });
    }
    this.#pump();
  }

  #refuse(id: string, reason: RefusalCode) {
    this.#update(id, { state: "refused", reason });
    void dropPhotos(this.user, [id]);
    this.#admit();
  }

  async #upload(id: string) {
    const body = this.#bodies.get(id);
    if (!body) return;
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    this.#update(id, { state: "uploading", progress: 0 });
    try {
      const key = await upload({
        body,
        link: () => this.#link(id),
        onProgress: (progress) => this.#update(id, { progress }),
        signal: abort.signal,
      });
      this.#bodies.delete(id);
      this.#update(id, { state: "uploaded", progress: 1, key, uploadedAt: Date.now() });
      this.#save(id);
    } catch (error) {
      if (!abort.signal.aborted) this.#update(id, { state: "failed", problem: Problem.from(error) });
    } finally {
      this.#aborts.delete(id);
      this.#links.delete(id);
      this.#pump();
    }
  }

  /** A link that was not used yet; asking for one asks for those of all photos that wait for theirs. */
  async #link(id: string): Promise<Link> {
    const known = this.#take(id);
    if (isFresh(known)) return known;
    while (true) {
      const isOwn = this.#asking === undefined;
      this.#asking ??= this.#ask(id).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
      if (!this.#photos.has(id)) throw new Problem(404, "removed", "");
      const link = this.#take(id);
      if (link) return link;
      // Others' question may have been too early for this photo; its own was not.
      if (isOwn) throw new Problem(0, "no_link", "");
    }
  }

  #take(id: string): Link | undefined {
    const link = this.#links.get(id);
    this.#links.delete(id);
    return link;
  }

  async #ask(first: string) {
    const others = [...this.#photos.values()].filter(
      ({ id, state }) => id !== first && state === "ready" && this.#bodies.has(id) && !isFresh(this.#links.get(id)),
    );
    const ids = [first, ...others.map(({ id }) => id)].slice(0, this.#limits.maxFilesPerPresign);
    const files = ids.flatMap((id) => {
      const body = this.#bodies.get(id);
      const name = this.#photos.get(id)?.name;
      return body && name ? [{ id, name, contentType: body.type as Schemas["MediaType"], size: body.size }] : [];
    });
    const { uploads } = await ok(
      api.POST("/api/files/presign", { body: { files: files.map(({ id: _, ...file }) => file) } }),
    );
    const receivedAt = Date.now();
    for (const [index, link] of uploads.entries()) {
      const id = files[index]?.id;
      if (id) this.#links.set(id, { ...link, receivedAt });
    }
  }
}

const drafts = new Map<string, Draft>();

/** Somebody else is here now: what is on its way would go on under their name. What is kept waits for its person. */
export function dropDrafts() {
  for (const draft of drafts.values()) draft.stop();
  drafts.clear();
}
whenPersonLeaves(dropDrafts);

export function draftOf(user: string): Draft {
  let draft = drafts.get(user);
  if (!draft) {
    draft = new Draft(user);
    drafts.set(user, draft);
  }
  return draft;
}

export function useDraft(user: string) {
  const draft = draftOf(user);
  return { draft, ...useSyncExternalStore(draft.subscribe, draft.snapshot) };
}
