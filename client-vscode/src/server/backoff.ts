/**
 * When a server that crashed is started again: pure but for the clock that is passed in.
 *
 * Invariant: at most `MOST` starts within `WINDOW_MS`; a server that holds out is forgiven.
 */

export const MOST = 5;
export const WINDOW_MS = 180_000;
export const FIRST_MS = 500;

export class Backoff {
  private crashes: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Take note of a crash; returns how long to wait, or undefined: give up and tell the person. */
  crashed(): number | undefined {
    const now = this.now();
    this.crashes = [...this.crashes.filter((at) => now - at < WINDOW_MS), now];
    const n = this.crashes.length;
    return n > MOST ? undefined : FIRST_MS * 2 ** (n - 1);
  }

  /** A person started it: what was before does not count. */
  forget(): void {
    this.crashes = [];
  }
}
