// The files in what somebody dropped or pasted, folders included.

const hidden = (name: string) => name.startsWith(".") || name === "Thumbs.db";

/** What is there, and the names of files and folders that cannot be read: one of them must not cost the others. */
export type Found = { files: File[]; unreadable: string[] };

async function collect(entry: FileSystemEntry, found: Found) {
  if (hidden(entry.name)) return;
  try {
    if (entry.isFile) {
      const file = entry as FileSystemFileEntry;
      found.files.push(await new Promise<File>((resolve, reject) => file.file(resolve, reject)));
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // A reader hands out at most a hundred at a time.
    while (true) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const one of some) await collect(one, found);
    }
  } catch {
    found.unreadable.push(entry.name);
  }
}

export async function filesOf(data: DataTransfer): Promise<Found> {
  const found: Found = { files: [], unreadable: [] };
  const files = [...data.files];
  // All of them before the first wait: afterwards the browser has taken them back.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (!entries.some((entry) => entry.isDirectory)) return { ...found, files };
  for (const entry of entries) await collect(entry, found);
  return { ...found, files: found.files.filter(looksLikePhoto) };
}

/** A folder also holds what is no photo and was not meant. */
export const looksLikePhoto = ({ name, type }: File) =>
  !hidden(name) && (type.startsWith("image/") || /\.(jpe?g|png|webp|heic|heif|avif)$/i.test(name));
