import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessFaults, ask, settled, useSite } from './browser';

const site = useSite();

test('tokens of a split model are told apart by colour, line and words, and outlive the page', async () => {
  const { page, faults, close } = await site.open();
  await page.getByRole('option').first().waitFor({ state: 'attached' });
  await ask(page, 'Who answers on two machines?');
  await settled(page);
  const check = async () => {
    const spans = page.locator('.placed .place');
    assert.deepEqual(await spans.allInnerTexts(), ['The device ', '*and* ', 'the cloud', '.']);
    const looks = await spans.evaluateAll((all) =>
      all.map((one) => `${getComputedStyle(one).textDecorationStyle} ${getComputedStyle(one).color}`),
    );
    assert.equal(new Set(looks.map((look) => look.split(' ')[0])).size, 4);
    assert.equal(new Set(looks).size, 4);
    assert.equal(await spans.last().getAttribute('title'), 'Degraded: the cloud could not be reached');
    const legend = await page.getByRole('list', { name: 'Where tokens were made' }).getByRole('listitem').allInnerTexts();
    assert.deepEqual(legend, [
      'Device, first exit 2 (sure 2)',
      'Device, second exit 1 (sure 1)',
      'Cloud 1 (asked 1)',
      'Degraded 1 (link down 1)',
    ]);
    await page.getByText('20% by the cloud, 1 token degraded').waitFor();
  };
  await check();
  assert.deepEqual(await accessFaults(page), []);
  await page.getByRole('button', { name: 'Show formatted' }).click();
  assert.equal(await page.locator('.markdown em').innerText(), 'and');
  await page.getByRole('button', { name: 'Show where' }).click();
  await check();
  await page.reload();
  await check();
  assert.deepEqual(faults, []);
  await close();
});
