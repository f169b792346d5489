import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useSite } from './browser';

const site = useSite({ key: 'sesame' });

test('a server with keys is asked again with the key, which only this tab keeps', async () => {
  const { page, faults, close } = await site.open();
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
