// A real browser for the tests of the report's page: Debian's Chromium, driven by playwright-core.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Why there is no browser here; undefined if there is one. CI has one, so nothing is skipped there. */
export const noBrowser: string | undefined =
  existsSync(CHROMIUM) || process.env.CI !== undefined ? undefined : "Chromium is not installed (.ci/setup does)";

/** Starts it; it asks nobody for updates. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox", // root runs the tests in CI
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
  });
}
