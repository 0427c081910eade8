import { number, photos } from "./common";

export const history = {
  title: "History",
  search: "Search by wish",
  empty: {
    title: "Nothing here yet",
    text: "Your batches will be kept here, with their results for 90 days.",
    start: "Start your first batch",
  },
  nothing: (query: string) => `No batch with “${query}” in its wish.`,
  searching: "Looking through older batches",
  count: (found: number) => `${number(found)} found`,
  more: "Loading older batches",
  end: "That is all.",
  facts: (count: number) => photos(count),
  failed: (count: number) => `${number(count)} without a result`,
};
