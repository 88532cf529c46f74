/**
 * The upstream's hosts in the order to try them: as configured, but those that failed lately come last.
 *
 * Promises: every host is always in the list; a failure is forgotten after `forgetMs`, or when the host
 * works, so that the first host gets its place back. Clock injected, monotonic.
 */

const FORGET_MS = 10 * 60_000;

export class HostOrder {
  readonly #hosts: readonly string[];
  readonly #now: () => number;
  readonly #forgetMs: number;
  readonly #failedMs = new Map<string, number>();

  constructor(hosts: readonly string[], now: () => number, forgetMs = FORGET_MS) {
    this.#hosts = hosts;
    this.#now = now;
    this.#forgetMs = forgetMs;
  }

  /** Are these its hosts, in this order? */
  isOf(hosts: readonly string[]): boolean {
    return hosts.length === this.#hosts.length && hosts.every((host, n) => host === this.#hosts[n]);
  }

  /** Best first; of those that failed, the one whose failure is oldest. */
  inOrder(): string[] {
    return this.#hosts.toSorted((a, b) => this.#blame(a) - this.#blame(b));
  }

  failed(host: string): void {
    this.#failedMs.set(host, this.#now());
  }

  worked(host: string): void {
    this.#failedMs.delete(host);
  }

  /** When it failed, on the clock; before all time when it did not, or long ago. */
  #blame(host: string): number {
    const failedMs = this.#failedMs.get(host);
    return failedMs === undefined || this.#now() - failedMs >= this.#forgetMs ? -1 : failedMs;
  }
}
