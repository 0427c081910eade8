// Off the main thread: is a file a photo that can be edited, how does it look small, and what is uploaded for it.

import { fitForModel, within } from "./fit";
import { HEAD_BYTES, kindOf, type RefusalCode } from "./kinds";
import type { Prepared, PrepareJob } from "./prepare";

const THUMB_SIDE = 400;
const JPEG_QUALITY = 0.92;
/** No canvas is made larger than this, whatever a file claims to be. */
const BOMB_PIXELS = 200_000_000;

class Refusal extends Error {
  constructor(readonly reason: RefusalCode) {
    super(reason);
  }
}

function drawn(source: CanvasImageSource, width: number, height: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}

async function decoded(file: Blob, type: string): Promise<ImageBitmap> {
  try {
    if (type === "image/heic") return await (await import("./heic")).decodeHeic(await file.arrayBuffer());
    return await createImageBitmap(file);
  } catch {
    throw new Refusal("damaged");
  }
}

async function prepare({ file, shrink, convert, maxFileBytes, maxPixels }: PrepareJob): Promise<Prepared> {
  const kind = kindOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (kind.use === "refuse") throw new Refusal(kind.reason);
  if (kind.use === "convert" && !convert) throw new Refusal("needsConversion");

  const bitmap = await decoded(file, kind.type);
  try {
    const { width, height } = bitmap;
    if (width * height > BOMB_PIXELS) throw new Refusal("tooManyPixels");
    const target = shrink ? fitForModel(width, height) : { width, height };
    const isSmaller = target.width < width;
    if (!isSmaller && width * height > maxPixels) throw new Refusal("tooManyPixels");

    let blob: Blob = file.slice(0, file.size, kind.type);
    if (isSmaller || kind.use === "convert") {
      // What may be transparent stays so.
      const type = kind.type === "image/png" || kind.type === "image/webp" ? "image/webp" : "image/jpeg";
      const canvas = drawn(bitmap, target.width, target.height);
      blob = await canvas.convertToBlob({ type, quality: JPEG_QUALITY });
    }
    if (blob.size > maxFileBytes) throw new Refusal("tooManyBytes");

    const small = within(width, height, THUMB_SIDE);
    const thumb = await drawn(bitmap, small.width, small.height).convertToBlob({ type: "image/webp", quality: 0.8 });
    return { blob, thumb, ...target, note: kind.use === "convert" ? "converted" : isSmaller ? "shrunk" : undefined };
  } finally {
    bitmap.close();
  }
}

self.onmessage = async ({ data }: MessageEvent<PrepareJob>) => {
  try {
    self.postMessage({ prepared: await prepare(data) });
  } catch (error) {
    self.postMessage({ refused: error instanceof Refusal ? error.reason : "damaged" });
  }
};
