export const landing = {
  title: "Fifty photos. One wish.",
  lead: "Drop in your photos, say once what should change, and watch every one of them come back edited.",
  start: "Start with free credits",
  price: "You see the price before you start. A photo that fails costs nothing.",
  hero: {
    alt: "A close-up of a cat, painted in watercolour",
    slider: "Compare before and after",
    wish: "“Turn it into a watercolour”",
  },
  steps: [
    {
      title: "Drop them in",
      text: "JPEG, PNG, WebP or straight from an iPhone. Large photos are shrunk in your browser, so uploads are quick.",
    },
    { title: "Say it once", text: "One sentence for all of them, a preset, or a wish of its own for a single photo." },
    {
      title: "Take them home",
      text: "Each result turns up as it is done. Compare, zoom, download one or all of them.",
    },
  ],
  promises: [
    {
      title: "No surprises",
      text: "The price is a number of credits, shown before you press the button, and fixed when you do.",
    },
    {
      title: "Failures are free",
      text: "If a photo cannot be edited, you read why and get its credit back, by itself.",
    },
    {
      title: "Yours alone",
      text: "Location and camera data are cut out before a photo leaves for the image service. Uploads are deleted after 30 days.",
    },
  ],
  sheet: "The same wish on a whole roll",
};
