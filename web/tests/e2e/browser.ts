// Chromium, a page that tells of whatever goes wrong in it, and the server it is pointed at.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { RecordedServer } from './recorded_server';

const web = process.env.VERGE_WEB_FOLDER ?? '.';

/** The policy that the server sends, from where it stands. */
function policy(): string {
  const header = readFileSync(join(web, 'assets.hpp'), 'utf8');
  const parts = /kContentSecurityPolicy =([^;]|;(?! *\n))*;\n/.exec(header)?.[0] ?? '';
  return [...parts.matchAll(/"([^"]*)"/g)].map(([, part]) => part).join('');
}

function recordedServer(key: string): RecordedServer {
  return new RecordedServer(process.env.VERGE_WEB_DIST ?? join(web, '../build/web'), policy(), key);
}

function launch(): Promise<Browser> {
  // As root there is no sandbox to be had; the only pages are ours.
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: process.env.VERGE_CHROMIUM ?? '/usr/bin/chromium', args });
}

export interface Watched {
  page: Page;
  /** Console errors, exceptions, violations of the policy, requests to other origins. */
  faults: string[];
  close(): Promise<void>;
}

async function openPage(browser: Browser, base: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, acceptDownloads: true, ...options });
  context.setDefaultTimeout(60000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const address = request.url();
    if (!address.startsWith(`${base}/`) && !address.startsWith('blob:')) faults.push(`request to ${address}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`));
  });
  await page.goto(`${base}/`);
  return { page, faults, close: () => context.close() };
}

export interface Site {
  base: string;
  open(options?: BrowserContextOptions): Promise<Watched>;
}

/**
 * A browser and a server for the tests of one file, which it starts before them and ends after them. The server is the
 * one at `url`, or else one with recorded answers, which asks for `key` if there is one.
 */
export function useSite({ url = '', key = '' } = {}): Site {
  const recorded = url ? null : recordedServer(key);
  let browser: Browser | null = null;
  const site: Site = {
    base: url,
    open: (options) => (browser ? openPage(browser, site.base, options) : Promise.reject(new Error('before the tests'))),
  };
  before(async () => {
    if (recorded) site.base = await recorded.listen();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    recorded?.close();
  });
  return site;
}

export async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

/** Waits until nothing is being written. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
}

/** Of a server that runs, this model's answers last long enough to be stopped, and its context holds tools. */
export async function chooseSlow(page: Page): Promise<void> {
  const slow = process.env.VERGE_SLOW_MODEL;
  if (slow) await page.locator('.bar select').selectOption(slow);
}

/** Has every answer cut short, so that any model ends soon. */
export async function limitTokens(page: Page, most: number): Promise<void> {
  const field = page.getByLabel('Most tokens');
  const isHidden = !(await field.isVisible());
  if (isHidden) await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await field.fill(String(most));
  if (isHidden) await page.getByRole('button', { name: 'Close settings' }).click();
}

/** Shown controls without a name, and two headings' or identifiers' rules: what a machine can check of access. */
export function accessFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const nameOf = (at: Element): string => {
      const labelled = (at.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id));
      const labels = 'labels' in at ? [...((at as HTMLInputElement).labels ?? [])] : [];
      const texts = [at.getAttribute('aria-label'), ...[...labelled, ...labels].map((one) => one?.textContent)];
      if (!/^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) texts.push(at.textContent, at.querySelector('img')?.alt);
      return texts.map((text) => text?.trim()).find((text) => text) ?? '';
    };
    const controls = 'button, a, input, select, textarea, dialog, nav, aside, section, [tabindex="0"]';
    for (const at of document.querySelectorAll(controls)) {
      if (at.checkVisibility() && !nameOf(at)) found.push(`no name: ${at.outerHTML.slice(0, 120)}`);
    }
    for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) found.push('img without alt');
    const ids = [...document.querySelectorAll('[id]')].map((at) => at.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`two elements are named ${id}`);
    if (document.querySelectorAll('h1').length !== 1) found.push('not exactly one h1');
    if (document.querySelectorAll('main').length !== 1) found.push('not exactly one main');
    if (!document.documentElement.lang) found.push('no language');
    if (document.querySelector('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])')) found.push('a tabindex above 0');
    return found;
  });
}
