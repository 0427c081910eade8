// Results to the disk, one or all. The archive is made here while the results stream in, so that it costs no server time;
// where the browser can write to a file, of the person's choice or of its own, it never is in memory as a whole.

type Entry = { name: string; url: string };

async function open(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await fetch(url);
      if (answer.ok) return answer;
      if (answer.status < 500 || attempt === 2) throw new Error(`HTTP ${answer.status}`);
    } catch (error) {
      if (attempt === 2) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
  }
}

function save(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export async function downloadOne({ name, url }: Entry): Promise<void> {
  save(await (await open(url)).blob(), name);
}

type Writable = Pick<FileSystemFileHandle, "createWritable">;
type Picker = (options: { suggestedName: string }) => Promise<Writable>;

/** False if the person thought better of it. */
export async function downloadAll(
  entries: Entry[],
  name: string,
  onProgress: (done: number) => void,
): Promise<boolean> {
  // Before anything that takes time: a browser asks for a file only right after a click.
  const chosen = await choose(name);
  if (chosen === "canceled") return false;
  const { downloadZip } = await import("client-zip");
  const zip = () =>
    downloadZip(
      (async function* () {
        // The next one is on its way while this one is written.
        let next = entries[0] && open(entries[0].url);
        for (const [index, entry] of entries.entries()) {
          const input = await next;
          const following = entries[index + 1];
          next = following && open(following.url);
          next?.catch(() => undefined);
          onProgress(index);
          if (input) yield { name: entry.name, input, lastModified: new Date() };
        }
        onProgress(entries.length);
      })(),
    );
  const own = chosen ? undefined : await ownFile();
  const file = chosen ?? own;
  if (file) await zip().body?.pipeTo(await file.createWritable());
  if (own) save(await own.getFile(), name);
  else if (!file) save(await zip().blob(), name);
  return true;
}

/** The file to write to; none where the browser does not let anybody choose one. */
async function choose(suggestedName: string): Promise<Writable | "canceled" | undefined> {
  const picker = (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  try {
    return await picker?.call(globalThis, { suggestedName });
  } catch (error) {
    return error instanceof DOMException && error.name === "AbortError" ? "canceled" : undefined;
  }
}

/** A download may still read its file for this long. */
const KEEP_FILE_MS = 3600 * 1000;

/** A file in the browser's private storage, and those of earlier downloads out of it. */
async function ownFile(): Promise<FileSystemFileHandle | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("bie-archives", { create: true });
    for await (const old of folder.keys()) {
      if (Date.now() - Number.parseInt(old, 10) > KEEP_FILE_MS) await folder.removeEntry(old).catch(() => undefined);
    }
    const file = await folder.getFileHandle(`${Date.now()}.zip`, { create: true });
    return "createWritable" in file ? file : undefined;
  } catch {
    // No such storage here, as in some private windows.
    return undefined;
  }
}
