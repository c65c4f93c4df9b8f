// Before anything is painted: the language, and light or dark. Nothing stored = follow the system.
const root = document.documentElement;
root.lang = /^de\b/i.test(navigator.language) ? "de" : "en";

// Storage can be switched off, and then even looking at it throws.
const stored = {
  get theme() { try { return localStorage.getItem("theme"); } catch { return null; } },
  set theme(value) { try { localStorage.setItem("theme", value); } catch { /* for this page only, then */ } },
};
if (stored.theme === "light" || stored.theme === "dark") root.dataset.theme = stored.theme;

addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-switch-theme]")) return;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  stored.theme = root.dataset.theme = dark ? "light" : "dark";
});
