import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launch, openPage, recordedServer } from './browser';

const server = recordedServer('sesame');
let base = '';
let browser: Browser;

before(async () => {
  base = await server.listen();
  browser = await launch();
});
after(async () => {
  await browser.close();
  server.close();
});

test('a server with keys is asked again with the key, which only this tab keeps', async () => {
  const { page, faults, close } = await openPage(browser, base);
  const dialog = page.getByRole('dialog', { name: 'API key' });
  await dialog.getByLabel('API key').fill('wrong');
  await page.keyboard.press('Enter');
  // The field is empty: this is a new dialog.
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('dialog input')?.value === '');
  await dialog.getByLabel('API key').fill('sesame');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('option', { name: 'verge-lm' }).waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('sesame')), false);
  // The browser itself writes a line for each answer of status 401.
  assert.deepEqual(faults.filter((fault) => !fault.includes('401')), []);
  await close();
});
