import { credits } from "./common";

/** Of the form for options; what is also said while it is folded up stands with the draft. */
export const options = {
  quality: "Quality",
  perPhoto: (count: number) => `${credits(count)} a photo`,
  size: "Size",
  sizeHint: (size: string) => (size === "auto" ? "like the photo" : size.replace("x", " × ")),
  format: "Format",
  formatHints: { jpeg: "opens everywhere", png: "keeps transparency", webp: "smallest" },
  shrink: "Shrink large photos before upload",
  shrinkHint: "To what the image service takes at most: about 8 megapixels. Quicker, and nothing is lost.",
  convert: "Convert HEIC, AVIF and BMP",
  convertHint: "On your device, to JPEG; to WebP where it is transparent.",
};
