// The report's page in a real browser: drawn, asking nobody for anything, readable at both widths and in both colours, and
// never taking a sender's name for markup.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import type { Browser, Page } from "playwright-core";
import type { Report, SenderLine } from "../../src/report/figures.ts";
import { htmlOf } from "../../src/report/html.ts";
import { noBrowser, openBrowser } from "./browser.ts";

const folder = fs.mkdtempSync("/tmp/qos-page-");
let browser: Browser | undefined;
beforeAll(async () => {
  if (noBrowser === undefined) browser = await openBrowser();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const HOSTILE = '<img src=x onerror="document.title=1">';
const line = (sender: string): SenderLine => ({
  sender,
  outcomes: 9,
  included: 5,
  failed: 1,
  earned: 123_456_789,
  wasted: 4,
  score: 0.123456,
});
const lines = [line("10.0.0.1"), line(HOSTILE), line("</script><script>document.title=2</script>")];

const EMPTY: Report = {
  from: "2026-01-02T00:00:00.000Z",
  to: "2026-01-02T01:00:00.000Z",
  host: null,
  rows: null,
  hosts: [],
  sessions: [],
  totals: { outcomes: 0, included: 0, failed: 0, earned: 0, executionMs: 0, packetsIn: 0, packetsOut: 0 },
  earners: { ips: [], payers: [] },
  wasters: { ips: [], payers: [] },
  overTime: { stepSeconds: 30, steps: [] },
  calibration: { rankCorrelation: null, tenths: [] },
  delays: { p50Ms: null, p90Ms: null, p99Ms: null, longestMs: null, bands: [] },
  prices: [],
  endings: [],
};

const FULL: Report = {
  ...EMPTY,
  host: HOSTILE,
  sessions: [
    { session: "s", host: HOSTILE, version: "1", started: EMPTY.from, transactionsShare: 1, fatesShare: 0.01 },
  ],
  totals: { outcomes: 900, included: 700, failed: 12, earned: 5e12, executionMs: 9e4, packetsIn: 4e9, packetsOut: 3e6 },
  earners: { ips: lines, payers: lines },
  wasters: { ips: lines, payers: lines },
  overTime: {
    stepSeconds: 30,
    steps: Array.from({ length: 120 }, (_, i) => ({
      time: new Date(Date.UTC(2026, 0, 2) + i * 30_000).toISOString(),
      outcomes: 10,
      included: 6 + (i % 4),
      earned: 1e6 * (2 + Math.sin(i / 9)),
    })),
  },
  calibration: {
    rankCorrelation: 0.71,
    tenths: Array.from({ length: 10 }, (_, i) => ({
      tenth: i + 1,
      outcomes: 90,
      lowest: i,
      highest: i + 1,
      included: 0.9,
      value: 2 ** i,
      earned: 5_000,
    })),
  },
  delays: {
    p50Ms: 50,
    p90Ms: 90,
    p99Ms: 99,
    longestMs: 1_500,
    bands: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024].map((fromMs, i) => ({
      fromMs,
      toMs: fromMs === 0 ? 1 : 2 * fromMs,
      outcomes: 1 + 10 * i,
    })),
  },
  prices: Array.from({ length: 40 }, (_, i) => ({
    sender: i === 0 ? HOSTILE : `10.0.0.${i}`,
    packets: 100,
    sent: i === 7 ? 0 : 60,
    in: 1_000 * 1.2 ** i,
    out: i === 7 ? null : 1_300 * 1.2 ** i,
  })),
  endings: [
    { ending: "bankingTransmissions", packets: 500, saved: 5 },
    { ending: "duplicatePackets", packets: 3, saved: 3 },
  ],
};

const VIEWS = [
  { width: 1_280, height: 900, colorScheme: "light" },
  { width: 1_280, height: 900, colorScheme: "dark" },
  { width: 390, height: 844, colorScheme: "light" },
  { width: 390, height: 844, colorScheme: "dark" },
] as const;

interface Seen {
  readonly requests: string[];
  readonly errors: string[];
}

/** Opens the page, and lets `look` look at it. */
async function shown(report: Report, view: (typeof VIEWS)[number], look: (page: Page, seen: Seen) => Promise<void>) {
  if (browser === undefined) throw new Error("there is no browser");
  const file = `${folder}/page.html`;
  fs.writeFileSync(file, htmlOf(report, "1.2.3"));
  const { width, height, colorScheme } = view;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  try {
    const page = await context.newPage();
    const seen: Seen = { requests: [], errors: [] };
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on("pageerror", (error) => seen.errors.push(error.message));
    // Warnings are left out: Chromium warns of the test's own reading of pixels.
    page.on("console", (message) => {
      if (message.type() === "error") seen.errors.push(message.text());
    });
    await page.goto(`file://${file}`);
    await page.waitForSelector("body[data-drawn]", { timeout: 30_000 });
    await look(page, seen);
    expect(seen.errors).toEqual([]);
    expect(seen.requests).toEqual([`file://${file}`]);
  } finally {
    await context.close();
  }
}

/** Asks until it is so, from outside: the page's own policy lets nobody evaluate text inside. */
async function until(page: Page, condition: string): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!(await page.evaluate(condition))) {
    if (performance.now() > endMs) throw new Error(`never: ${condition}`);
    await Bun.sleep(20);
  }
}

/** Which colours stand in the plots' pixels, and how many. */
const COLOURS = `[...document.querySelectorAll("canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 255) found.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
  }
  return [...found];
})`;

// skipped if Chromium is not installed (noBrowser says so)
describe.skipIf(noBrowser !== undefined)("the page (needs chromium)", () => {
  for (const view of VIEWS) {
    test(`draws its four plots at ${view.width} pixels in ${view.colorScheme}, within the screen`, async () => {
      await shown(FULL, view, async (page) => {
        expect(await page.evaluate("document.body.dataset.drawn")).toBe("4");
        expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
        const series = view.colorScheme === "light" ? 0x2563c9 : 0x7fb0ff;
        const colours = (await page.evaluate(COLOURS)) as number[][];
        expect(colours.length).toBe(4);
        for (const found of colours) expect(found).toContain(series);
        const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
        expect(ground).toBe(view.colorScheme === "light" ? "rgb(246, 247, 249)" : "rgb(20, 22, 26)");
        const columns = await page.evaluate(
          `getComputedStyle(document.querySelector(".cards")).gridTemplateColumns.split(" ").length`,
        );
        expect(columns).toBe(view.width > 760 ? 2 : 1);
      });
    }, 60_000);
  }

  test("shows names that would be markup as the text that they are", async () => {
    await shown(FULL, VIEWS[0], async (page) => {
      expect(await page.title()).toBe("qos report");
      expect(await page.evaluate("document.querySelectorAll('img').length")).toBe(0);
      expect(await page.evaluate("document.body.innerText.includes('<img src=x')")).toBe(true);
      expect(await page.evaluate("document.querySelectorAll('script').length")).toBe(3);
    });
  }, 60_000);

  test("of nothing says so in every card", async () => {
    await shown(EMPTY, VIEWS[2], async (page) => {
      expect(await page.evaluate("document.body.dataset.drawn")).toBe("0");
      expect(await page.evaluate("document.querySelectorAll('.empty').length")).toBe(9);
    });
  }, 60_000);

  test("follows the reader's colours while it is open, and its width", async () => {
    await shown(FULL, VIEWS[0], async (page) => {
      await page.emulateMedia({ colorScheme: "dark" });
      await until(page, `${COLOURS}.every((found) => found.includes(0x7fb0ff))`);
      await page.setViewportSize({ width: 420, height: 900 });
      await until(page, "[...document.querySelectorAll('.u-wrap')].every((one) => one.clientWidth < 420)");
    });
  }, 60_000);
});

describe("the page's text", () => {
  test("carries its numbers whole, and no address of anybody", () => {
    const html = htmlOf(FULL, "1.2.3");
    const data = html.match(/id="report">(.*)<\/script>/)?.[1] ?? "";
    expect(JSON.parse(data)).toEqual({ ...FULL, version: "1.2.3" });
    expect(html.match(/\b(src|href)\s*=\s*["']?(https?:)?\/\//g)).toBeNull();
    expect(html).toContain("default-src 'none'");
  });
});
