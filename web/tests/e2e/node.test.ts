import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessFaults, useSite } from './browser';

// A node that runs; there are no recorded answers of one.
const url = process.env.VERGE_NODE_URL ?? '';
const site = useSite({ url });
const options = url ? {} : { skip: 'VERGE_BINARY names no program to start a node with' };

test('the page of a node shows what it does', options, async () => {
  const { page, faults, close } = await site.open();
  await page.getByRole('heading', { level: 1, name: 'home of lab' }).waitFor();
  await page.locator('.chart canvas').first().waitFor();
  assert.equal(await page.locator('.chart canvas').count(), 9);
  const tiles = await page.locator('.tiles').innerText();
  for (const part of [/Sessions\s+0/, /Queue\s+0/, /Evictions\s+0/, /Memory\s+[\d.]+ [KMG]iB/, /Certificate\s+\d+ d\s+until 20/]) {
    assert.match(tiles, part);
  }
  assert.equal(await page.getByRole('navigation').getByRole('link').count(), 1);
  assert.deepEqual(await accessFaults(page), []);
  const told = (await (await fetch(`${url}/api/node`)).json()) as { collab: { kv: { pages: number } } };
  assert.ok(told.collab.kv.pages > 0);
  assert.deepEqual(faults, []);
  await close();
});
