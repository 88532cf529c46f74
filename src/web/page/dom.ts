/**
 * Building and refreshing the page: elements with attributes and text, nothing that parses HTML.
 *
 * Promises: a stranger's text becomes text, its treacherous characters shown as codes; a refresh that says the same
 * touches nothing, so focus, selection and scroll live through it.
 * Refuses the attributes through which text could become code: `style`, `on…` as text, a link that leaves the page.
 */
import { fullTime, plain, when } from "./format.ts";

export type Child = Node | string | null | undefined;
type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...nodes(children));
  return element;
}

/** Sets, changes or (null, undefined, false) removes an attribute, if it is not so already. */
export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  if (/^(style|on.*|src|srcdoc|action|formaction)$/i.test(name))
    throw new Error(`Cannot set attribute ${name} as text could become code through it`);
  if (name === "href" && !String(value).startsWith("#"))
    throw new Error(`Cannot link to ${value} as it leaves the page`);
  const text = value === true ? "" : value;
  if (text === null || text === undefined || text === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(text)) element.setAttribute(name, plain(String(text)));
}

/** Changes the text of an element, if it is not so already. */
export function setText(element: Element, text: string): void {
  const shown = plain(text);
  if (element.textContent !== shown) element.textContent = shown;
}

function nodes(children: readonly Child[]): Node[] {
  return children.flatMap((child) => {
    if (child === null || child === undefined || child === "") return [];
    return [typeof child === "string" ? document.createTextNode(plain(child)) : child];
  });
}

/** The element of index.html with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`Cannot show the page as it has no element #${id}`);
  return found as T;
}

/** A moment, short; everything about it under the pointer and for programs. What is none stands as it is. */
export function time(iso: string, shown?: string): HTMLTimeElement {
  if (Number.isNaN(Date.parse(iso))) return el("time", {}, iso);
  return el("time", { datetime: iso, title: fullTime(iso) }, shown ?? when(iso));
}

/** A part of the page that is drawn anew only when its data changed; `partOf`: that part of it which it shows. */
export class Region<T> {
  readonly #element: Element;
  readonly #draw: (data: T) => readonly Child[];
  readonly #partOf: (data: T) => unknown;
  #shown: string | undefined;

  constructor(
    element: Element,
    draw: (data: T) => readonly Child[],
    partOf: (data: T) => unknown = (data) => data,
  ) {
    this.#element = element;
    this.#draw = draw;
    this.#partOf = partOf;
  }

  show(data: T): void {
    const text = JSON.stringify(this.#partOf(data));
    if (text === this.#shown) return;
    this.#shown = text;
    this.#element.replaceChildren(...nodes(this.#draw(data)));
  }

  clear(): void {
    this.#shown = undefined;
    this.#element.replaceChildren();
  }
}

/** One item of a list on the page. */
export interface Row<T> {
  readonly element: HTMLElement;
  update(item: T): void;
}

/** A list whose items keep their elements: they are changed in place, and never moved while their order stays. */
export class KeyedList<T> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (item: T) => string;
  readonly #make: (item: T) => Row<T>;
  readonly #rows = new Map<string, Row<T>>();

  constructor(parent: HTMLElement, keyOf: (item: T) => string, make: (item: T) => Row<T>) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  show(items: readonly T[]): void {
    const focused = this.#focusedIndex();
    const wanted = new Map(items.map((item) => [this.#keyOf(item), item]));
    for (const [key, { element }] of this.#rows) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    let place = this.#parent.firstElementChild;
    for (const [key, item] of wanted) {
      const row = this.#rows.get(key) ?? this.#make(item);
      this.#rows.set(key, row);
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(row.element, place);
    }
    this.#keepFocus(focused);
  }

  #focusedIndex(): number {
    return [...this.#parent.children].findIndex((child) => child.contains(document.activeElement));
  }

  /** Whoever was on a row that went is now on the one in its place. */
  #keepFocus(index: number): void {
    if (index < 0 || this.#parent.contains(document.activeElement)) return;
    const rows = this.#parent.children;
    const next = rows[Math.min(index, rows.length - 1)]?.querySelector<HTMLElement>("a, button");
    next?.focus({ preventScroll: true });
  }
}
