// Off the main thread: is a file a photo that can be edited, how does it look small, and what is uploaded for it.

import { fitForModel, within } from "./fit";
import { HEAD_BYTES, kindOf, type RefusalCode } from "./kinds";
import type { Answer, Prepared, PrepareJob } from "./prepare";

const THUMB_SIDE = 400;
const QUALITY = 0.92;
/** No canvas is made larger than this, whatever a file claims to be. */
const BOMB_PIXELS = 200_000_000;

class Refusal extends Error {
  constructor(readonly reason: RefusalCode) {
    super(reason);
  }
}

/** A part of this worker did not come: the photo may well be good. */
class NotLoaded extends Error {}

function drawn(source: CanvasImageSource, width: number, height: number) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return {
    as: (type: string, quality: number) => canvas.convertToBlob({ type, quality }),
    isTransparent: () => {
      const { data } = context.getImageData(0, 0, width, height);
      for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] !== 255) return true;
      return false;
    },
  };
}

async function decoderOf(type: string): Promise<(file: Blob) => Promise<ImageBitmap>> {
  if (type !== "image/heic") return (file) => createImageBitmap(file);
  try {
    return await (await import("./heic")).heicDecoder();
  } catch {
    throw new NotLoaded();
  }
}

/** What this gives, or that refusal, whatever was wrong. */
async function orRefuse<T>(work: Promise<T>, reason: RefusalCode): Promise<T> {
  try {
    return await work;
  } catch {
    throw new Refusal(reason);
  }
}

async function prepare({ file, shrink, convert, maxFileBytes, maxPixels }: PrepareJob): Promise<Prepared> {
  const head = await orRefuse(file.slice(0, HEAD_BYTES).arrayBuffer(), "unreadable");
  const kind = kindOf(new Uint8Array(head));
  if (kind.use === "refuse") throw new Refusal(kind.reason);
  if (kind.use === "convert" && !convert) throw new Refusal("needsConversion");

  const decode = await decoderOf(kind.type);
  const bitmap = await orRefuse(decode(file), "damaged");
  try {
    const { width, height } = bitmap;
    if (width * height > BOMB_PIXELS) throw new Refusal("tooManyPixels");
    const target = shrink ? fitForModel(width, height) : { width, height };
    const isSmaller = target.width < width;
    if (!isSmaller && width * height > maxPixels) throw new Refusal("tooManyPixels");

    const { width: smallWidth, height: smallHeight } = within(width, height, THUMB_SIDE);
    const small = drawn(bitmap, smallWidth, smallHeight);

    let blob: Blob = file.slice(0, file.size, kind.type);
    let note: Prepared["note"];
    if (isSmaller || kind.use === "convert" || (shrink && file.size > maxFileBytes)) {
      // What may be transparent stays so.
      const isWebP = kind.use === "convert" ? small.isTransparent() : kind.type !== "image/jpeg";
      blob = await drawn(bitmap, target.width, target.height).as(isWebP ? "image/webp" : "image/jpeg", QUALITY);
      note = kind.use === "as-is" ? "shrunk" : isWebP ? "convertedToWebP" : "converted";
    }
    if (blob.size > maxFileBytes) throw new Refusal("tooManyBytes");

    return { blob, thumb: await small.as("image/webp", 0.8), ...target, note };
  } finally {
    bitmap.close();
  }
}

const answer = (to: Answer) => self.postMessage(to);

self.onmessage = async ({ data }: MessageEvent<PrepareJob>) => {
  try {
    answer({ prepared: await prepare(data) });
  } catch (error) {
    if (error instanceof NotLoaded) answer({ notLoaded: true });
    else answer({ refused: error instanceof Refusal ? error.reason : "damaged" });
  }
};
// Before the first photo is looked at: whatever fails from now on is not for want of this worker.
answer({ loaded: true });
