import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { accessFaults, ask, chooseSlow, limitTokens, settled, useSite } from './browser';

const site = useSite({ url: process.env.VERGE_URL ?? '' });

// Its arguments leave a model no choice, so that any model ends its call.
const tool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { unit: { type: 'string', enum: ['celsius'] } },
      required: ['unit'],
      additionalProperties: false,
    },
  },
};
const tools = (page: Page) => page.getByLabel(/^Tools/);
const choice = (page: Page) => page.getByLabel(/^Tool choice/);
const calls = (page: Page) => page.getByRole('list', { name: 'Function calls' }).getByRole('listitem');
const shot = (page: Page, name: string) =>
  process.env.VERGE_SHOTS ? page.screenshot({ path: `${process.env.VERGE_SHOTS}/${name}.png` }) : null;

// By the keyboard alone, from the first field to the button.
async function sendResults(page: Page): Promise<string[]> {
  const form = page.getByRole('form', { name: 'Results of the calls' });
  await form.waitFor();
  const count = await form.locator('textarea').count();
  const results = Array.from({ length: count }, (_, index) => `{"degrees": ${20 + index}}`);
  await form.locator('textarea').first().focus();
  for (const [index, result] of results.entries()) {
    if (index > 0) await page.keyboard.press('Tab');
    await page.keyboard.type(result);
  }
  await shot(page, 'results-form');
  await page.keyboard.press('Tab');
  assert.match((await page.evaluate(() => document.activeElement?.textContent)) ?? '', /^Send results?$/);
  await page.keyboard.press('Enter');
  return results;
}

test('tools are sent, called, and answered with results', async () => {
  const { page, faults, close } = await site.open();
  await page.getByRole('option').first().waitFor({ state: 'attached' });
  await chooseSlow(page);
  await limitTokens(page, 100);
  await tools(page).fill(JSON.stringify([tool]));
  await choice(page).selectOption({ label: 'A call of get_weather' });
  const asked = page.waitForRequest('**/v1/chat/completions');
  await ask(page, 'What is the weather?');
  const body = (await asked).postDataJSON() as Record<string, unknown>;
  assert.deepEqual(body.tools, [tool]);
  assert.deepEqual(body.tool_choice, { type: 'function', function: { name: 'get_weather' } });
  await settled(page);
  assert.match(await calls(page).first().innerText(), /^get_weather/);
  await choice(page).selectOption({ label: 'No calls' });
  await limitTokens(page, 8);
  const answered = page.waitForRequest('**/v1/chat/completions');
  const results = await sendResults(page);
  const { messages } = (await answered).postDataJSON() as { messages: Record<string, unknown>[] };
  const called = messages[1]?.tool_calls as { id: string; function: { name: string } }[];
  assert.deepEqual(
    messages.slice(2).map(({ role, tool_call_id, content }) => [role, tool_call_id, content]),
    results.map((result, index) => ['tool', called[index]?.id, result]),
  );
  await settled(page);
  const last = page.locator('.message.assistant').last();
  assert.ok((await last.locator('.markdown').innerText()).trim().length > 0);
  await shot(page, 'results');
  assert.deepEqual(await accessFaults(page), []);
  await page.reload();
  const given = page.getByRole('list', { name: 'Results of the calls' }).getByRole('listitem');
  await given.first().waitFor();
  assert.match((await given.first().innerText()).replace(/\s+/g, ' '), /get_weather \{ "degrees": 20 \}/);
  await page.getByRole('button', { name: 'Edit results' }).click();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA');
  await page.keyboard.press('Escape');
  await given.first().waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('tools are checked while they are written, and examples are added to them', async () => {
  const { page, faults, close } = await site.open();
  await page.getByRole('option').first().waitFor({ state: 'attached' });
  await limitTokens(page, 8);
  assert.ok(await choice(page).isDisabled());
  await tools(page).fill('[{"name": 3}]');
  await page.getByText(/Tool 1: "name" must be/).waitFor();
  assert.equal(await tools(page).getAttribute('aria-invalid'), 'true');
  await ask(page, 'Hello');
  await page.getByText(/The tools of the settings cannot be used: Tool 1/).waitFor();
  await tools(page).fill('');
  for (const name of ['Weather', 'Search', 'Weather']) await page.getByRole('button', { name: `Add “${name}”` }).click();
  const written = JSON.parse(await tools(page).inputValue()) as { function: { name: string } }[];
  assert.deepEqual(written.map((one) => one.function.name), ['search', 'get_weather']);
  assert.deepEqual(await choice(page).locator('option').allInnerTexts(), [
    'The model decides', 'No calls', 'Some call', 'A call of search', 'A call of get_weather',
  ]);
  await shot(page, 'editor');
  assert.deepEqual(await accessFaults(page), []);
  assert.deepEqual(faults, []);
  await close();
});

test('the editor of tools fits a phone, in the dark', async () => {
  const { page, faults, close } = await site.open({
    viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark',
  });
  await page.getByRole('option').first().waitFor({ state: 'attached' });
  await chooseSlow(page);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('button', { name: 'Add “Weather”' }).click();
  await choice(page).scrollIntoViewIfNeeded();
  await shot(page, 'editor-phone-dark');
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(excess <= 0, `${excess} px too wide`);
  await limitTokens(page, 100);
  await tools(page).fill(JSON.stringify(tool));
  await choice(page).selectOption({ label: 'Some call' });
  await page.getByRole('button', { name: 'Close settings' }).click();
  await ask(page, 'What is the weather?');
  await settled(page);
  await page.getByRole('form', { name: 'Results of the calls' }).scrollIntoViewIfNeeded();
  await shot(page, 'form-phone-dark');
  const after = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(after <= 0, `${after} px too wide`);
  assert.deepEqual(faults, []);
  await close();
});
