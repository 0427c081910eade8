import { expect, test } from "vitest";
import { kindOf } from "./kinds";

const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === "string" ? [...part].map((char) => char.charCodeAt(0)) : part)),
  );

test.each([
  ["a JPEG", bytes([0xff, 0xd8, 0xff, 0xe0]), "as-is image/jpeg"],
  ["a PNG", bytes([0x89], "PNG\r\n", [0x1a, 0x0a], "....IHDR....IDAT"), "as-is image/png"],
  ["an animated PNG", bytes([0x89], "PNG\r\n", [0x1a, 0x0a], "....IHDR....acTL....IDAT"), "refuse animated"],
  [
    "a PNG with those letters in its pixels",
    bytes([0x89], "PNG\r\n", [0x1a, 0x0a], "....IHDR....IDATacTL"),
    "as-is image/png",
  ],
  ["a WebP", bytes("RIFF....WEBPVP8 "), "as-is image/webp"],
  ["a still extended WebP", bytes("RIFF....WEBPVP8X....", [0x10]), "as-is image/webp"],
  ["an animated WebP", bytes("RIFF....WEBPVP8X....", [0x12]), "refuse animated"],
  ["an iPhone's photo", bytes([0, 0, 0, 0x24], "ftypheic....mif1heic"), "convert image/heic"],
  ["an AVIF", bytes([0, 0, 0, 0x20], "ftypavif....avifmif1"), "convert image/avif"],
  ["an AVIF that says so late", bytes([0, 0, 0, 0x20], "ftypmif1....mif1avifmiaf"), "convert image/avif"],
  ["an iPhone's film", bytes([0, 0, 0, 0x14], "ftypqt  "), "refuse video"],
  ["a Canon raw file", bytes([0, 0, 0, 0x18], "ftypcrx "), "refuse raw"],
  ["a GIF", bytes("GIF89a"), "refuse gif"],
  ["a TIFF", bytes("II*", [0]), "refuse tiff"],
  ["a PDF", bytes("%PDF-1.7"), "refuse pdf"],
  ["a drawing", bytes('<?xml version="1.0"?><svg xmlns="">'), "refuse svg"],
  ["nothing", bytes(), "refuse empty"],
  ["a text that is called photo.jpg", bytes("hello"), "refuse unknown"],
])("%s", (_, head, expected) => {
  const kind = kindOf(head);
  expect(`${kind.use} ${kind.use === "refuse" ? kind.reason : kind.type}`).toBe(expected);
});
