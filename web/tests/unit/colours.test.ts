// The contrast of the colours that stand on each other, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const sheet = readFileSync(join(process.env.VERGE_WEB_FOLDER ?? '.', 'src/styles/base.css'), 'utf8');
const colours = new Map<string, [string, string]>();
for (const [, name, light, dark] of sheet.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)) {
  colours.set(name ?? '', [light ?? '', dark ?? '']);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const texts: [string, string[]][] = [
  ['ink', ['page', 'surface', 'raised', 'tint']],
  ['muted', ['page', 'surface', 'raised', 'tint']],
  ['accent', ['surface', 'tint', 'page']],
  ['on-accent', ['accent']],
  ['danger', ['page', 'surface']],
  ['good', ['good-tint', 'surface']],
  ['series-2', ['surface']], // where tokens were made
];
const marks: [string, string[]][] = [
  ['edge', ['page', 'surface']],
  ['accent', ['page', 'surface', 'raised', 'tint']],
  ['series-1', ['surface']],
  ['series-2', ['surface']],
  ['series-3', ['surface']],
];

function expectContrast(pairs: [string, string[]][], least: number): void {
  for (const [front, backs] of pairs) {
    for (const back of backs) {
      for (const scheme of [0, 1] as const) {
        const [a, b] = [colours.get(front)?.[scheme] ?? '', colours.get(back)?.[scheme] ?? ''];
        const got = contrast(a, b);
        assert.ok(got >= least, `${front} on ${back}, ${scheme ? 'dark' : 'light'}: ${got.toFixed(2)} is less than ${least}`);
      }
    }
  }
}

test('the measure is right at its ends', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.equal(contrast('#777777', '#777777'), 1);
});

test('text can be read', () => expectContrast(texts, 4.5));
test('marks can be seen', () => expectContrast(marks, 3));
