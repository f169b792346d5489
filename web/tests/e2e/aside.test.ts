import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessFaults, ask, settled, useSite } from './browser';

const site = useSite();

test('function calls and reasoning are shown, and outlive the page', async () => {
  const { page, faults, close } = await site.open();
  await page.getByRole('option').first().waitFor({ state: 'attached' });
  await ask(page, 'What is the weather in Oslo and Rome?');
  await settled(page);
  const check = async () => {
    const calls = page.getByRole('list', { name: 'Function calls' }).getByRole('listitem');
    const texts = await calls.allInnerTexts();
    assert.deepEqual(texts.map((text) => text.replace(/\s+/g, ' ').trim()), [
      'get_weather { "city": "Oslo", "unit": "celsius" }',
      'get_weather { "city": "<b>Rome</b>" }',
    ]);
    const reasoning = page.getByText('Two cities are asked for, so there are two calls.');
    assert.equal(await reasoning.isVisible(), false);
    await page.getByText('Reasoning', { exact: true }).click();
    await reasoning.waitFor();
  };
  await check();
  assert.deepEqual(await accessFaults(page), []);
  await page.reload();
  await check();
  assert.deepEqual(faults, []);
  await close();
});
