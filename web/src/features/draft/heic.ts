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
  const wasmBinary = await (await fetch(wasm)).arrayBuffer();
  return libheif({ wasmBinary }) as Heif | Promise<Heif>;
}

export async function decodeHeic(file: ArrayBuffer): Promise<ImageBitmap> {
  loading ??= load();
  const [image] = new (await loading).HeifDecoder().decode(file);
  if (!image) throw new Error("no picture in it");
  const pixels = new ImageData(image.get_width(), image.get_height());
  await new Promise<void>((resolve, reject) =>
    image.display(pixels, (filled) => (filled ? resolve() : reject(new Error("cannot be decoded")))),
  );
  image.free();
  return createImageBitmap(pixels);
}
