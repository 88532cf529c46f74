/**
 * Light, dark, or as the system says: the one thing that the page remembers.
 *
 * Promises: no address and no id is ever stored; works where storage is forbidden, for as long as the page is open.
 */
const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const LABELS: Readonly<Record<Theme, readonly [glyph: string, word: string]>> = {
  auto: ["◐", "Auto"],
  light: ["○", "Light"],
  dark: ["●", "Dark"],
};
const KEY = "sluice-theme";
const listeners: (() => void)[] = [];

let theme = remembered();
show();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  button?.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    remember();
    show();
    tell();
  });
  show();
});

/** Calls `listener` whenever the colours changed. */
export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

function show(): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  if (!button) return;
  const [glyph, word] = LABELS[theme];
  const name = document.createElement("span");
  name.className = "word";
  name.textContent = word;
  button.replaceChildren(`${glyph} `, name);
  button.setAttribute("aria-label", `Colours: ${theme}. Change.`);
}

function tell(): void {
  for (const listener of listeners) listener();
}

function remembered(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((one) => one === kept) ?? "auto";
  } catch {
    return "auto";
  }
}

function remember(): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // forbidden: the choice lasts as long as the page
  }
}
