// The files in what somebody dropped or pasted, folders included.

const hidden = (name: string) => name.startsWith(".") || name === "Thumbs.db";

async function inside(entry: FileSystemEntry): Promise<File[]> {
  if (hidden(entry.name)) return [];
  if (entry.isFile) {
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  // A reader hands out at most a hundred at a time.
  while (true) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await inside(one)));
  }
}

export async function filesOf(data: DataTransfer): Promise<File[]> {
  const files = [...data.files];
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (!entries.some((entry) => entry.isDirectory)) return files;
  return (await Promise.all(entries.map(inside))).flat();
}

/** A folder also holds what is no photo and was not meant. */
export const looksLikePhoto = ({ name, type }: File) =>
  !hidden(name) && (type.startsWith("image/") || /\.(jpe?g|png|webp|heic|heif|avif)$/i.test(name));
