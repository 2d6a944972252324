// Elements from names, attributes and texts. No text is ever read as markup.

/** An element: `children` are elements, texts, or nothing. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  // A string becomes a text node.
  made.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false && child !== ''));
  return made;
}

/** Text that is read out and not seen. */
export const unseen = (text) => element('span', { class: 'unseen' }, text);

const WHOLE = new Intl.NumberFormat('en');

export const count = (number) => WHOLE.format(number);

/** One decimal. What is not all never reads as 100.0, and what is something never as 0.0. */
export function percent(share) {
  const shown = share > 0 && share < 0.0005 ? '< 0.1' : share < 1 && share > 0.9995 ? '> 99.9' : (share * 100).toFixed(1);
  return `${shown}\u00a0%`;
}

/** A time as the terminal shows it: its two largest units. */
export function time(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds === 0) return `${ms} ms`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}
