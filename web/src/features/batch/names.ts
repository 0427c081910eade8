// What results are called when they are saved: like the photo they were made from.

type Named = { index: number; name?: string | undefined };

const endings = { png: "png", jpeg: "jpg", webp: "webp" } as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const FORBIDDEN = /[\\/:*?"<>|\u0000-\u001f]/g;

export function resultNames(images: readonly Named[], format: string): string[] {
  const ending = endings[format as keyof typeof endings] ?? "png";
  const taken = new Set<string>();
  return images.map(({ index, name }) => {
    const plain = name
      ?.replace(/\.[a-z0-9]{2,5}$/i, "")
      .replace(FORBIDDEN, "_")
      .replace(/^\.+/, "")
      .trim();
    const base = plain || `photo-${String(index + 1).padStart(3, "0")}`;
    let file = `${base}.${ending}`;
    for (let copy = 2; taken.has(file.toLowerCase()); copy += 1) file = `${base} (${copy}).${ending}`;
    taken.add(file.toLowerCase());
    return file;
  });
}
