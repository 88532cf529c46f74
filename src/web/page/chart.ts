/**
 * A chart that fits its holder, follows the theme, and can be read with the arrow keys.
 *
 * Promises: new data keep the cursor where it is; the canvas is drawn anew only when size, theme or shape change.
 * uPlot comes as a script of its own before this one (index.html), so it is a global here.
 */
import type { AlignedData, Options } from "uplot";
import { setAttribute } from "./dom.ts";
import { onThemeChange } from "./theme.ts";

/** What a chart draws with: the colours of style.css as the canvas needs them. */
export type Ink = (name: "urgent" | "bulk" | "bad" | "ink" | "muted" | "line" | "surface") => string;

export interface Drawing {
  /** Two drawings with the same shape differ in their data only. */
  readonly shape: string;
  readonly data: AlignedData;
  readonly options: (ink: Ink, width: number) => Omit<Options, "width" | "height">;
}

export const AXIS_FONT = '12px system-ui, "Segoe UI", Roboto, sans-serif';

export class Chart {
  readonly #holder: HTMLElement;
  readonly #readout: HTMLElement;
  readonly #onPoint: (index: number | undefined) => void;
  #drawing: Drawing | undefined;
  #plot: uPlot | undefined;

  /** `onPoint`: which point the pointer or the arrow keys are on. */
  constructor(holder: HTMLElement, readout: HTMLElement, onPoint: (index: number | undefined) => void) {
    this.#holder = holder;
    this.#readout = readout;
    this.#onPoint = onPoint;
    holder.tabIndex = 0;
    new ResizeObserver(() => this.#fit()).observe(holder);
    onThemeChange(() => this.#create());
    holder.addEventListener("keydown", (event) => this.#key(event));
    holder.addEventListener("focus", () => setAttribute(readout, "aria-live", "polite"));
    holder.addEventListener("blur", () => this.#leave());
  }

  show(drawing: Drawing): void {
    const isSameShape = this.#plot !== undefined && drawing.shape === this.#drawing?.shape;
    this.#drawing = drawing;
    if (isSameShape) this.#plot?.setData(drawing.data);
    else this.#create();
    this.#onPoint(this.#index());
  }

  #create(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    const { width, height } = this.#size();
    if (!this.#drawing || width === 0) return; // not on view: #fit makes it when it comes
    const { options, data } = this.#drawing;
    this.#plot = new uPlot(
      {
        ...options(inkOf(this.#holder), width),
        width,
        height,
        legend: { show: false },
        cursor: {
          y: false,
          points: { show: false },
          drag: { setScale: false, x: false, y: false },
          move: toPoint,
        },
        hooks: {
          ...options(inkOf(this.#holder), width).hooks,
          setCursor: [() => this.#onPoint(this.#index())],
        },
      },
      data,
      this.#holder,
    );
  }

  #fit(): void {
    const size = this.#size();
    if (size.width === 0) return;
    const { width, height } = this.#plot ?? {};
    if (size.width !== width || size.height !== height) this.#create();
  }

  #size(): { width: number; height: number } {
    return { width: Math.floor(this.#holder.clientWidth), height: Math.floor(this.#holder.clientHeight) };
  }

  #index(): number | undefined {
    const { left = -1, idx } = this.#plot?.cursor ?? {};
    return left < 0 || idx === null ? undefined : idx;
  }

  #key(event: KeyboardEvent): void {
    const last = (this.#plot?.data[0].length ?? 0) - 1;
    const now = this.#index();
    const to = { ArrowLeft: (now ?? last + 1) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: last }[
      event.key
    ];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#point(Math.min(last, Math.max(0, to)));
  }

  #point(index: number): void {
    const x = this.#plot?.data[0][index];
    if (x !== undefined) this.#plot?.setCursor({ left: this.#plot.valToPos(x, "x"), top: 0 });
  }

  #leave(): void {
    this.#plot?.setCursor({ left: -10, top: -10 });
    setAttribute(this.#readout, "aria-live", "off");
  }
}

/** The cursor stands on a point, never between two. */
function toPoint(plot: uPlot, left: number, top: number): [number, number] {
  const x = left < 0 ? undefined : plot.data[0][plot.posToIdx(left)];
  return x === undefined ? [left, top] : [plot.valToPos(x, "x"), top];
}

/** Custom properties are words (`light-dark(…)`); what comes of them is asked of an element. */
function inkOf(holder: HTMLElement): Ink {
  return (name) => {
    const probe = document.createElement("i");
    probe.className = `ink-${name}`;
    holder.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}
