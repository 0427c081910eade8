// HEIC, by libheif as WebAssembly: 1.4 MB that only the first HEIC photo loads. Turns the photo upright by itself.

import libheif from "libheif-js/libheif-wasm/libheif.js";
import wasm from "libheif-js/libheif-wasm/libheif.wasm?url";

type Image = {
  get_width(): number;
  get_height(): number;
  display(into: ImageData, done: (filled: ImageData | null) => void): void;
  free(): void;
};
type Heif = { HeifDecoder: new () => { decode(file: ArrayBuffer): Image[] } };

let loading: Promise<Heif> | undefined;

async function load(): Promise<Heif> {
  const answer = await fetch(wasm);
  if (!answer.ok) throw new Error(`the HEIC decoder: ${answer.status}`);
  const wasmBinary = await answer.arrayBuffer();
  return libheif({ wasmBinary }) as Heif | Promise<Heif>;
}

/** What decodes; it may not come, which says nothing about any photo. */
export async function heicDecoder(): Promise<(file: Blob) => Promise<ImageBitmap>> {
  loading ??= load();
  try {
    const heif = await loading;
    return (file) => decode(heif, file);
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

async function decode(heif: Heif, file: Blob): Promise<ImageBitmap> {
  const [image] = new heif.HeifDecoder().decode(await file.arrayBuffer());
  if (!image) throw new Error("no picture in it");
  const pixels = new ImageData(image.get_width(), image.get_height());
  await new Promise<void>((resolve, reject) =>
    image.display(pixels, (filled) => (filled ? resolve() : reject(new Error("cannot be decoded")))),
  );
  image.free();
  return createImageBitmap(pixels);
}
