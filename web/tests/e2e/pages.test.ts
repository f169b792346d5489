import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { accessFaults, ask, chooseSlow, limitTokens, settled, useSite } from './browser';
import type { Watched } from './browser';
import { sampleFile } from './sample_file';

// VERGE_URL points at a server that runs; without it the recorded one is started.
const site = useSite({ url: process.env.VERGE_URL ?? '' });
const folder = mkdtempSync(join(tmpdir(), 'verge-web-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function inPage(run: (page: Page) => Promise<void>, options = {}): Promise<void> {
  const watched: Watched = await site.open(options);
  await watched.page.getByRole('option').first().waitFor({ state: 'attached' });
  await run(watched.page);
  assert.deepEqual(watched.faults, []);
  await watched.close();
}

const answers = (page: Page) => page.locator('.message.assistant');
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).first().click();
const running = (page: Page) =>
  page.evaluate(async () => {
    const live = (await (await fetch('/verge/live')).json()) as { models: { running?: number }[] };
    return live.models.reduce((sum, model) => sum + (model.running ?? 0), 0);
  });

test('the policy is in force, and what breaks it is seen here', async () => {
  const { page, faults, close } = await site.open();
  const told = page.waitForEvent('console', (message) => message.text().startsWith('policy:'));
  await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
  await told;
  assert.match(faults.join(), /policy: style-src/);
  const isRefused = await page.evaluate(() => {
    try {
      document.body.insertAdjacentHTML('beforeend', '<b>x</b>');
      return false;
    } catch {
      return true;
    }
  });
  assert.ok(isRefused, 'HTML may be made of text');
  await close();
});

test('an answer streams and is measured', () =>
  inPage(async (page) => {
    await limitTokens(page, 40);
    await ask(page, 'What is a KV cache?');
    await settled(page);
    assert.ok((await answers(page).locator('.markdown').innerText()).trim().length > 0);
    const figures = await answers(page).locator('.figures').innerText();
    for (const part of [/tokens\/s/, /first token .*s/, /\d+ prompt/, /\d+ answer/, /iB memory/]) assert.match(figures, part);
  }));

test('Escape stops an answer, and the server stops too', () =>
  inPage(async (page) => {
    await chooseSlow(page);
    await limitTokens(page, 900);
    await ask(page, 'Write a long text.');
    await answers(page).locator('.markdown').filter({ hasText: /\S/ }).waitFor();
    await page.keyboard.press('Escape');
    await settled(page);
    await answers(page).getByText('Stopped').waitFor();
    assert.ok((await answers(page).locator('.markdown').innerText()).trim().length > 0);
    await page.waitForFunction(async () => {
      const live = (await (await fetch('/verge/live')).json()) as { models: { running?: number }[] };
      return live.models.every((model) => !model.running);
    });
    assert.equal(await running(page), 0);
  }));

test('an edited message starts a branch, and both stay', () =>
  inPage(async (page) => {
    await limitTokens(page, 12);
    await ask(page, 'First question');
    await settled(page);
    await press(page, 'Edit message');
    await page.getByLabel('Edit the message').fill('Second question');
    await page.keyboard.press('Enter');
    await settled(page);
    assert.equal(await page.locator('.said').innerText(), 'Second question');
    await press(page, 'Answer again');
    await settled(page);
    const versions = await page.locator('.versions').evaluateAll((all) => all.map((at) => at.textContent));
    assert.deepEqual(versions, ['2/ of 2', '2/ of 2']);
    await page.getByRole('button', { name: 'Previous version' }).first().focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.said').innerText(), 'First question');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Next version');
    await page.reload();
    await page.locator('.said').waitFor();
    assert.equal(await page.locator('.said').innerText(), 'First question');
    await press(page, 'Next version');
    assert.equal(await page.locator('.said').innerText(), 'Second question');
  }));

test('two models answer one question at once', () =>
  inPage(async (page) => {
    await limitTokens(page, 30);
    await press(page, 'Compare two models');
    assert.equal(await page.locator('.lane').count(), 2);
    await ask(page, 'What is decode?');
    await page.waitForFunction(() => document.querySelectorAll('.message.assistant').length === 2);
    await settled(page);
    for (const lane of await page.locator('.lane').all()) {
      assert.equal(await lane.locator('.said').innerText(), 'What is decode?');
      assert.ok((await lane.locator('.markdown').innerText()).trim().length > 0);
    }
    await press(page, 'Compare two models');
    assert.equal(await page.locator('.lane').count(), 1);
    assert.equal(await page.locator('.entry').count(), 2);
  }));

test('conversations are renamed, exported, deleted and imported', () =>
  inPage(async (page) => {
    await limitTokens(page, 8);
    await ask(page, 'Keep this');
    await settled(page);
    await press(page, 'Rename');
    await page.getByLabel('New name').fill('Kept');
    await page.keyboard.press('Enter');
    const download = page.waitForEvent('download');
    await press(page, 'Export');
    const file = join(folder, (await download).suggestedFilename());
    await (await download).saveAs(file);
    await press(page, 'Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.locator('.entry', { hasText: 'Kept' }).waitFor({ state: 'detached' });
    await page.locator('input[type=file]').setInputFiles(file);
    await page.locator('.entry.current', { hasText: 'Kept' }).waitFor();
    assert.equal(await page.locator('.said').innerText(), 'Keep this');
    writeFileSync(join(folder, 'bad.json'), '{"conversations": 3}');
    await page.locator('input[type=file]').setInputFiles(join(folder, 'bad.json'));
    await page.getByText('Nothing was imported: the file has no list').waitFor();
  }));

test('an answer is shown as Markdown, and nothing in it becomes HTML', () =>
  inPage(async (page) => {
    writeFileSync(join(folder, 'sample.json'), sampleFile);
    await page.locator('input[type=file]').setInputFiles(join(folder, 'sample.json'));
    await page.locator('.entry.current', { hasText: 'Sample' }).waitFor();
    const shown = answers(page).locator('.markdown');
    for (const part of ['h3', 'strong', 'em', 'ol > li', 'table td', '.code pre', 'blockquote']) {
      assert.ok((await shown.locator(part).count()) > 0, part);
    }
    assert.equal(await shown.locator('img, script, iframe, svg[onload]').count(), 0);
    assert.match(await shown.innerText(), /<img src=x onerror=/);
    assert.deepEqual(await shown.locator('a').evaluateAll((all) => all.map((at) => at.getAttribute('href'))), ['https://example.org/a', 'https://example.org/a.png']);
  }));

test('what was written before the page goes is kept, and a second tab follows', () =>
  inPage(async (page) => {
    await chooseSlow(page);
    await limitTokens(page, 900);
    await ask(page, 'Long enough');
    await answers(page).locator('.markdown').filter({ hasText: /\S/ }).waitFor();
    await page.reload();
    await answers(page).getByText(/Stopped|Ended/).waitFor();
    assert.ok((await answers(page).locator('.markdown').innerText()).trim().length > 0);
    const second = await page.context().newPage();
    await second.goto(`${site.base}/`);
    await press(second, 'Rename');
    await second.getByLabel('New name').fill('Named elsewhere');
    await second.keyboard.press('Enter');
    await page.locator('.entry', { hasText: 'Named elsewhere' }).waitFor();
    assert.equal(await second.evaluate(() => document.activeElement?.textContent), 'Named elsewhere');
  }));

test('models are listed, unloaded and loaded', () =>
  inPage(async (page) => {
    await page.getByRole('link', { name: 'Models' }).click();
    const row = page.locator('.models tbody tr').first();
    await row.getByText(/^(loaded|on disk)$/).waitFor();
    assert.match(await row.innerText(), /iB/);
    const load = row.getByRole('button', { name: /^Load/ });
    if (await load.isVisible()) await load.click();
    await row.getByText('loaded', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Unload' }).click();
    await row.getByText('on disk').waitFor();
    await row.getByRole('button', { name: /^Load/ }).click();
    await row.getByText('loaded', { exact: true }).waitFor();
  }));

test('the live load is drawn', () =>
  inPage(async (page) => {
    await page.getByRole('link', { name: 'Live load' }).click();
    await page.locator('.chart canvas').first().waitFor();
    assert.equal(await page.locator('.chart canvas').count(), 6);
    const free = page.locator('.chart', { hasText: 'KV pages' }).locator('dd').last();
    assert.match(await free.innerText(), /^[\d,]+$/);
    assert.match(await page.locator('.tiles').innerText(), /Memory\s+[\d.]+ [KMG]iB/);
  }));

test('every page can be used on a phone', () =>
  inPage(
    async (page) => {
      await limitTokens(page, 8);
      await ask(page, 'On the road');
      await settled(page);
      for (const name of ['Playground', 'Models', 'Live load']) {
        await page.getByRole('link', { name, exact: true }).click();
        await page.getByRole('heading', { level: 1, name }).waitFor({ state: 'attached' });
        const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(excess <= 0, `${name} is ${excess} px too wide`);
      }
      await page.getByRole('link', { name: 'Playground', exact: true }).click();
      await press(page, 'Conversations');
      await press(page, 'New conversation');
      await page.locator('.welcome').waitFor();
    },
    { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  ));

test('the colours follow the system until they are chosen', () =>
  inPage(
    async (page) => {
      const brightness = () =>
        page.evaluate(() => {
          const [red = 0] = (getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? []).map(Number);
          return red < 128 ? 'dark' : 'light';
        });
      assert.equal(await brightness(), 'dark');
      await press(page, 'Colours: system');
      assert.equal(await brightness(), 'light');
      await page.reload();
      await page.getByRole('button', { name: 'Colours: light' }).waitFor();
      assert.equal(await brightness(), 'light');
    },
    { colorScheme: 'dark' },
  ));

test('the keyboard alone reaches everything, and the focus is seen', () =>
  inPage(async (page) => {
    await limitTokens(page, 8);
    await page.getByLabel('Message', { exact: true }).focus();
    await page.keyboard.type('first');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second');
    await page.keyboard.press('Enter');
    await settled(page);
    assert.equal(await page.locator('.said').innerText(), 'first\nsecond');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    const reached = new Set<string>();
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press('Tab');
      const [name, isSeen] = await page.evaluate(() => {
        const at = document.activeElement as HTMLElement;
        const style = getComputedStyle(at);
        const box = getComputedStyle(at.closest('.composer') ?? at);
        if (at === document.body) return ['BODY', true] as const;
        const text = at.getAttribute('aria-label') ?? at.innerText ?? '';
        return [text.trim() || at.tagName, style.outlineStyle !== 'none' || box.boxShadow !== 'none'] as const;
      });
      assert.ok(isSeen, `the focus on ${name} is not seen`);
      reached.add(name);
    }
    for (const name of ['Skip to the page', 'Models', 'API key', 'New conversation', 'Rename', 'Settings', 'Message',
      'Copy answer', 'Edit message', 'Answer again', 'Compare two models', 'Colours: system']) {
      assert.ok(reached.has(name), `${name} is not among ${[...reached].join(', ')}`);
    }
  }));

test('every control has a name and every page one heading', () =>
  inPage(async (page) => {
    await limitTokens(page, 8);
    await ask(page, 'Names');
    await settled(page);
    assert.deepEqual(await accessFaults(page), []);
    await press(page, 'API key');
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await accessFaults(page), []);
    await page.keyboard.press('Escape');
    for (const name of ['Models', 'Live load']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      assert.deepEqual(await accessFaults(page), [], name);
    }
  }));
