import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMarkdown } from '../../src/markdown';
import type { Block } from '../../src/markdown';
import { parseInline, safeAddress } from '../../src/markdown_inline';
import type { Inline } from '../../src/markdown_inline';
import { randomFrom } from './random';

const text = (value: string): Inline => ({ kind: 'text', text: value });
const paragraph = (value: string): Block => ({ kind: 'paragraph', text: [text(value)] });

function wordsOf(part: Inline): string {
  if (part.kind === 'text' || part.kind === 'code') return part.text;
  if (part.kind === 'break') return '\n';
  return part.parts.map(wordsOf).join('') + (part.kind === 'link' ? ` ${part.address}` : '');
}

function textOf(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return block.text.map(wordsOf).join('');
    case 'code':
      return `${block.language} ${block.text}`;
    case 'list':
      return block.items.flat().map(textOf).join('\n');
    case 'quote':
      return block.blocks.map(textOf).join('\n');
    case 'table':
      return [block.head, ...block.rows].flat(2).map(wordsOf).join(' ');
    case 'rule':
      return '';
  }
}

const inlineCases: [string, Inline[]][] = [
  ['plain', [text('plain')]],
  ['a **b** c', [text('a '), { kind: 'strong', parts: [text('b')] }, text(' c')]],
  ['*a* _b_', [{ kind: 'emphasis', parts: [text('a')] }, text(' '), { kind: 'emphasis', parts: [text('b')] }]],
  ['**a *b***', [{ kind: 'strong', parts: [text('a '), { kind: 'emphasis', parts: [text('b')] }] }]],
  ['`a **b**`', [{ kind: 'code', text: 'a **b**' }]],
  ['`` a`b ``', [{ kind: 'code', text: 'a`b' }]],
  ['~~a~~', [{ kind: 'struck', parts: [text('a')] }]],
  ['snake_case_name', [text('snake_case_name')]],
  ['2 * 3 * 4', [text('2 * 3 * 4')]],
  ['\\*a\\*', [text('*a*')]],
  ['**open', [text('**open')]],
  ['a\nb', [text('a'), { kind: 'break' }, text('b')]],
  ['[a](https://x.org)', [{ kind: 'link', address: 'https://x.org', parts: [text('a')] }]],
  ['see https://x.org/a.', [text('see '), { kind: 'link', address: 'https://x.org/a', parts: [text('https://x.org/a')] }, text('.')]],
  ['[a](javascript:alert(1))', [text('[a](javascript:alert(1))')]],
  ['![a](https://x.org/i.png)', [{ kind: 'link', address: 'https://x.org/i.png', parts: [text('a')] }]],
  ['<b>a</b>', [text('<b>a</b>')]],
];

test('marks inside a line', () => {
  for (const [source, expected] of inlineCases) assert.deepEqual(parseInline(source), expected, source);
});

test('only addresses of pages and mail may be opened', () => {
  const refused = ['javascript:alert(1)', ' javascript:x', 'data:text/html,x', 'vbscript:x', 'file:///etc', '//x.org', '/x'];
  for (const address of refused) assert.equal(safeAddress(address), null, address);
  for (const address of ['https://x.org', 'HTTP://x.org', 'mailto:a@b.c']) assert.equal(safeAddress(address), address);
});

test('headings, rules and paragraphs', () => {
  assert.deepEqual(parseMarkdown('# One\ntwo\nthree\n\n---\n#four'), [
    { kind: 'heading', level: 1, text: [text('One')] },
    { kind: 'paragraph', text: [text('two'), { kind: 'break' }, text('three')] },
    { kind: 'rule' },
    paragraph('#four'),
  ]);
});

test('code keeps its text as it is, closed or not yet', () => {
  const code = (body: string, isClosed: boolean) => [{ kind: 'code', language: 'cpp', text: body, isClosed }];
  assert.deepEqual(parseMarkdown('```cpp\n# a\n\n  **b**\n```'), code('# a\n\n  **b**', true));
  assert.deepEqual(parseMarkdown('```cpp\n# a'), code('# a', false));
  assert.deepEqual(parseMarkdown('````cpp\n```\n````'), code('```', true));
});

test('lists nest, number and hold code', () => {
  assert.deepEqual(parseMarkdown('3. a\n4. b\n   - c\n   - d\n\n5. e'), [
    {
      kind: 'list',
      isOrdered: true,
      start: 3,
      items: [
        [paragraph('a')],
        [
          paragraph('b'),
          { kind: 'list', isOrdered: false, start: 1, items: [[paragraph('c')], [paragraph('d')]] },
        ],
        [paragraph('e')],
      ],
    },
  ]);
  assert.deepEqual(parseMarkdown('- a\n\n  ```\n  x\n  ```\n\nb'), [
    {
      kind: 'list',
      isOrdered: false,
      start: 1,
      items: [[paragraph('a'), { kind: 'code', language: '', text: 'x', isClosed: true }]],
    },
    paragraph('b'),
  ]);
});

test('tables have one cell for each column, and lose none', () => {
  assert.deepEqual(parseMarkdown('| a | b |\n|:--|--:|\n| 1 | x\\|y | 3 |\n| 2 |\nafter'), [
    {
      kind: 'table',
      align: ['left', 'right'],
      head: [[text('a')], [text('b')]],
      rows: [
        [[text('1')], [text('x|y | 3')]],
        [[text('2')], []],
      ],
    },
    paragraph('after'),
  ]);
  assert.deepEqual(parseMarkdown('a | b\nc'), [
    { kind: 'paragraph', text: [text('a | b'), { kind: 'break' }, text('c')] },
  ]);
});

test('quotes hold blocks', () => {
  assert.deepEqual(parseMarkdown('> a\n> - b'), [
    {
      kind: 'quote',
      blocks: [paragraph('a'), { kind: 'list', isOrdered: false, start: 1, items: [[paragraph('b')]] }],
    },
  ]);
});

test('no word of any text is lost, in whatever marks it stands', () => {
  const pieces = ['w', 'ord', ' ', '\n', '\n\n', '*', '**', '_', '`', '```', '~~', '# ', '- ', '2. ', '> ', '|', '---',
    '    ', '[', '](', ')', '<', '\\', 'https://x', '!'];
  const random = randomFrom(7);
  for (let run = 0; run < 3000; run += 1) {
    const source = Array.from({ length: 1 + random(30) }, () => pieces[random(pieces.length)]).join('');
    const letters = (value: string) => value.replace(/[^a-z]/g, '');
    const sorted = (value: string) => [...letters(value)].sort().join('');
    const shown = parseMarkdown(source).map(textOf).join('\n');
    // An address may be shown twice: as a link's text and as its target.
    const isThere = shown.includes('https://') || sorted(shown) === sorted(source);
    assert.ok(isThere, `${JSON.stringify(source)} became ${JSON.stringify(shown)}`);
  }
});

test('deep nesting ends', () => {
  assert.equal(parseMarkdown('> '.repeat(5000) + 'x').map(textOf).join('').endsWith('x'), true);
  assert.equal(parseMarkdown('- '.repeat(5000) + 'x').map(textOf).join('').endsWith('x'), true);
  assert.equal(parseInline('*_'.repeat(5000) + 'x').map(wordsOf).join('').endsWith('x'), true);
});
