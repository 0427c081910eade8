// Results to the disk, one or all. The archive is made here while the results stream in, so that it costs no server time;
// where the browser can write to a file of the person's choice, it never is in memory as a whole.

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

type Picker = (options: { suggestedName: string }) => Promise<{ createWritable(): Promise<WritableStream> }>;

/** False if the person thought better of it. */
export async function downloadAll(
  entries: Entry[],
  name: string,
  onProgress: (done: number) => void,
): Promise<boolean> {
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
  const picker = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  if (picker) {
    let file: Awaited<ReturnType<Picker>>;
    try {
      file = await picker.call(window, { suggestedName: name });
    } catch {
      return false;
    }
    const into = await file.createWritable();
    await zip().body?.pipeTo(into);
  } else {
    save(await zip().blob(), name);
  }
  return true;
}
