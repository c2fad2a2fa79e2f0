// Opens the built site in Chromium, and notes whatever it complains about or asks of others.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";

export const DIST = new URL("../dist", import.meta.url).pathname;
export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });

/**
 * Opens the site in a fresh profile. `t.after` ends it; pass a test's context or anything with `after`.
 * `complaints`: console errors and warnings, uncaught errors. `strangers`: requests to other origins.
 */
export async function open(t, browser, { prefix = "/", locale = "en-GB", theme = "light", viewport = DESKTOP, ...more } = {}) {
  const site = await serve(DIST, { prefix });
  t.after(() => site.close());
  const context = await browser.newContext({ locale, colorScheme: theme, viewport, reducedMotion: "reduce", ...more });
  t.after(() => context.close());
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints = [];
  const strangers = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("request", (r) => new URL(r.url()).origin !== new URL(site.url).origin && !/^(data|blob):/.test(r.url()) && strangers.push(r.url()));
  await page.goto(site.url);
  await page.waitForSelector("html[data-ready]");
  return { site, context, page, complaints, strangers };
}

/** What axe-core finds wrong, one line each. It comes in through the debugger: the page's policy stays on. */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  if (passes.length < 5) throw new Error("axe-core checked next to nothing");
  return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target).join(" ")}`);
}
