// As early as it can be without holding up the page: the theme that was chosen here, if one was. A file of its own, since the page runs no inline scripts.
try {
  const theme = localStorage.getItem("bie.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {}
