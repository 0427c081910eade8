// How large a photo may be for the model, and how large one becomes that is larger: the service's own rule
// (`shared/picture/src/size.rs`), so that what is shrunk here is not shrunk again there.

export const MAX_SIDE = 3840;
export const MAX_PIXELS = 8_294_400;

export function fitForModel(width: number, height: number): { width: number; height: number } {
  if (Math.max(width, height) <= MAX_SIDE && width * height <= MAX_PIXELS) return { width, height };
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  let newLong = Math.min(Math.floor(Math.sqrt((MAX_PIXELS * long) / short)), MAX_SIDE, long);
  const follow = (side: number) => Math.max(1, Math.min(short, Math.floor((side * short + long / 2) / long)));
  while (newLong > 1 && newLong * follow(newLong) > MAX_PIXELS) newLong -= 1;
  const newShort = follow(newLong);
  return width >= height ? { width: newLong, height: newShort } : { width: newShort, height: newLong };
}

/** The size at which a photo fills a square of `side`, never larger than it is. */
export function within(width: number, height: number, side: number) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
