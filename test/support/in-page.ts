/**
 * Functions that tests have run in a page: each stands alone, as it travels there as text. The compiler knows no browser here:
 * this is what they use of it.
 */
interface InPage {
  readonly textContent: string | null;
  readonly tagName: string;
  readonly className: string;
  readonly scrollHeight: number;
  readonly clientHeight: number;
  scrollTop: number;
  getAttribute(name: string): string | null;
  getBoundingClientRect(): { readonly right: number; readonly width: number };
}

declare const document: {
  readonly body: InPage;
  readonly activeElement: InPage | null;
  readonly referrer: string;
  querySelector(selector: string): InPage | null;
  querySelectorAll(selector: string): Iterable<InPage>;
};
declare const innerWidth: number;
declare function getComputedStyle(element: InPage): { readonly position: string; readonly backgroundColor: string };
declare function requestAnimationFrame(callback: (time: number) => void): number;
declare class PerformanceObserver {
  constructor(heard: (entries: { getEntries(): readonly { readonly duration: number }[] }) => void);
  observe(options: { readonly type: string }): void;
  disconnect(): void;
}

/** Whether the plot of calls has a line to show. */
export const hasLine = (): boolean =>
  (document.querySelector('.chart .line.calls')?.getAttribute('d') ?? '').length > 40;

/** The text of what has the focus. */
export const focused = (): string | null => document.activeElement?.textContent ?? null;

export const referrer = (): string => document.referrer;

export const background = (): string => getComputedStyle(document.body).backgroundColor;

/** What reaches beyond the right edge. */
export const overflowing = (): string[] =>
  [...document.querySelectorAll('body *')]
    .filter((each) => {
      const { right, width } = each.getBoundingClientRect();
      return width > 0 && right > innerWidth + 1 && getComputedStyle(each).position !== 'absolute';
    })
    .map((each) => `${each.tagName}.${each.className}`);

export const scrollTo = (top: number): void => {
  (document.querySelector('#list') as InPage).scrollTop = top;
};

/**
 * What frames there were while the list was scrolled down for so long, as fast as by a wheel, in milliseconds, and what held
 * them up.
 */
export async function scrollFor(duration: number) {
  const list = document.querySelector('#list') as InPage;
  const tasks: number[] = [];
  const observer = new PerformanceObserver((entries) => {
    for (const { duration: lasted } of entries.getEntries()) tasks.push(lasted);
  });
  observer.observe({ type: 'longtask' });
  const gaps: number[] = [];
  let before = await new Promise<number>(requestAnimationFrame);
  list.scrollTop = 0;
  const end = before + duration;
  while (before < end) {
    const now = await new Promise<number>(requestAnimationFrame);
    gaps.push(now - before);
    before = now;
    list.scrollTop += 60;
  }
  observer.disconnect();
  gaps.sort((one, other) => one - other);
  const at = (share: number): number => gaps[Math.floor(share * (gaps.length - 1))] ?? 0;
  return { frames: gaps.length, p50: at(0.5), p99: at(0.99), longest: at(1), tasks };
}
