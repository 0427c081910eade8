// What a file is, by its first bytes: names and declared types lie. Knows what can be edited and what can be made editable.

export type Kind =
  | { use: "as-is"; type: "image/jpeg" | "image/png" | "image/webp" }
  | { use: "convert"; type: "image/heic" | "image/avif" | "image/bmp" }
  | { use: "refuse"; reason: RefusalCode };

export type RefusalCode =
  | "empty"
  | "gif"
  | "tiff"
  | "raw"
  | "pdf"
  | "svg"
  | "video"
  | "animated"
  | "unknown"
  | "damaged"
  | "needsConversion"
  | "tooManyBytes"
  | "tooManyPixels"
  | "tooManyPhotos"
  | "unreadable"
  | "expired";

/** This much of a file is enough to know. */
export const HEAD_BYTES = 4096;

const refuse = (reason: RefusalCode): Kind => ({ use: "refuse", reason });

export function kindOf(head: Uint8Array): Kind {
  if (head.length === 0) return refuse("empty");
  const text = (from: number, length: number) => String.fromCharCode(...head.subarray(from, from + length));
  const starts = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte);

  if (starts(0xff, 0xd8, 0xff)) return { use: "as-is", type: "image/jpeg" };
  if (starts(0x89, 0x50, 0x4e, 0x47)) {
    const start = text(0, HEAD_BYTES);
    const control = start.indexOf("acTL");
    const data = start.indexOf("IDAT");
    return control > 0 && (data < 0 || control < data) ? refuse("animated") : { use: "as-is", type: "image/png" };
  }
  if (text(0, 4) === "RIFF" && text(8, 4) === "WEBP") {
    const moves = text(12, 4) === "VP8X" && ((head[20] ?? 0) & 0x02) !== 0;
    return moves ? refuse("animated") : { use: "as-is", type: "image/webp" };
  }
  if (text(4, 4) === "ftyp") {
    const brand = text(8, 4);
    if (/^(heic|heix|heim|heis|hevc|hevx|mif1|msf1)$/.test(brand)) {
      // AVIF may call itself mif1 first and say what it is afterwards.
      return text(16, 32).includes("avif")
        ? { use: "convert", type: "image/avif" }
        : { use: "convert", type: "image/heic" };
    }
    if (/^avi[fs]$/.test(brand)) return brand === "avis" ? refuse("animated") : { use: "convert", type: "image/avif" };
    return brand.startsWith("crx") ? refuse("raw") : refuse("video");
  }
  if (text(0, 3) === "GIF") return refuse("gif");
  if (text(0, 2) === "BM") return { use: "convert", type: "image/bmp" };
  // Raw files of most cameras are TIFF inside.
  if (starts(0x49, 0x49, 0x2a, 0x00) || starts(0x4d, 0x4d, 0x00, 0x2a)) return refuse("tiff");
  if (text(0, 4) === "%PDF") return refuse("pdf");
  if (text(0, 4) === "RIFF" || starts(0x1a, 0x45, 0xdf, 0xa3)) return refuse("video");
  if (/^\s*(<\?xml|<svg)/.test(text(0, 200)) && text(0, HEAD_BYTES).includes("<svg")) return refuse("svg");
  return refuse("unknown");
}
