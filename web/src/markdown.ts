// The blocks of a Markdown text. Rendering makes elements of them, never HTML from text (see markdown_view.tsx).
import { parseInline } from './markdown_inline';
import type { Inline } from './markdown_inline';

export type Block =
  | { kind: 'paragraph'; text: Inline[] }
  | { kind: 'heading'; level: number; text: Inline[] }
  | { kind: 'code'; language: string; text: string; isClosed: boolean }
  | { kind: 'list'; isOrdered: boolean; start: number; items: Block[][] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'table'; align: Align[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' };
export type Align = 'left' | 'center' | 'right' | null;

// Deeper nesting is shown flat: no answer needs it, and it bounds the recursion.
const deepest = 8;
const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const rule = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const quote = /^ {0,3}> ?(.*)$/;
const item = /^( *)([-*+]|\d{1,9}[.)])(?:\s+(.*))?$/;
const tableRule = /^ *\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/;

type Taken = { block: Block; next: number };
type Taker = (lines: string[], at: number, depth: number) => Taken | null;

function takeCode(lines: string[], at: number): Taken | null {
  const open = fence.exec(lines[at] ?? '');
  if (!open) return null;
  const marker = open[1] ?? '```';
  let next = at + 1;
  const isEnd = (line: string) => line.trim().startsWith(marker) && /^[`~\s]*$/.test(line);
  while (next < lines.length && !isEnd(lines[next] ?? '')) next += 1;
  const text = lines.slice(at + 1, next).join('\n');
  const language = (open[2] ?? '').trim();
  return { block: { kind: 'code', language, text, isClosed: next < lines.length }, next: next + 1 };
}

function takeHeading(lines: string[], at: number): Taken | null {
  const found = heading.exec(lines[at] ?? '');
  if (!found) return null;
  const level = (found[1] ?? '#').length;
  return { block: { kind: 'heading', level, text: parseInline(found[2] ?? '') }, next: at + 1 };
}

function takeRule(lines: string[], at: number): Taken | null {
  return rule.test(lines[at] ?? '') ? { block: { kind: 'rule' }, next: at + 1 } : null;
}

function takeQuote(lines: string[], at: number, depth: number): Taken | null {
  const inner: string[] = [];
  let next = at;
  for (; next < lines.length; next += 1) {
    const found = quote.exec(lines[next] ?? '');
    if (!found) break;
    inner.push(found[1] ?? '');
  }
  return next === at ? null : { block: { kind: 'quote', blocks: parseLines(inner, depth + 1) }, next };
}

const cellsOf = (line: string) =>
  line.trim().replace(/^\|/, '').replace(/\|$/, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|'));

function alignOf(cell: string): Align {
  if (cell.endsWith(':')) return cell.startsWith(':') ? 'center' : 'right';
  return cell.startsWith(':') ? 'left' : null;
}

function takeTable(lines: string[], at: number): Taken | null {
  const under = lines[at + 1] ?? '';
  if (!(lines[at] ?? '').includes('|') || !under.includes('-') || !tableRule.test(under)) return null;
  const head = cellsOf(lines[at] ?? '');
  const align = cellsOf(under).map(alignOf);
  if (head.length !== align.length) return null;
  const rows: Inline[][][] = [];
  let next = at + 2;
  for (; next < lines.length && (lines[next] ?? '').includes('|'); next += 1) {
    const cells = cellsOf(lines[next] ?? '');
    // Cells too many stand in the last column.
    const surplus = cells.splice(head.length - 1).join(' | ');
    rows.push([...head.slice(1).map((_, column) => cells[column] ?? ''), surplus].map(parseInline));
  }
  return { block: { kind: 'table', align, head: head.map(parseInline), rows }, next };
}

const isOrdered = (marker: string) => /\d/.test(marker);

// The lines of one item, without its indent; blank lines count when an indented one follows.
function takeItem(lines: string[], at: number, indent: number): { body: string[]; next: number } {
  const found = item.exec(lines[at] ?? '');
  const body = [found?.[3] ?? ''];
  const width = indent + (found?.[2] ?? '-').length + 1;
  let next = at + 1;
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? '';
    const isBlank = line.trim() === '';
    const inner = line.length - line.trimStart().length;
    if (isBlank && !/^\s+\S/.test(lines[next + 1] ?? '')) break;
    if (!isBlank && inner <= indent && (item.test(line) || startsBlock(line) || body.at(-1)?.trim() === '')) break;
    body.push(isBlank ? '' : line.slice(Math.min(inner, width)));
  }
  return { body, next };
}

function takeList(lines: string[], at: number, depth: number): Taken | null {
  const first = item.exec(lines[at] ?? '');
  if (!first) return null;
  const indent = (first[1] ?? '').length;
  const ordered = isOrdered(first[2] ?? '');
  const items: Block[][] = [];
  let next = at;
  while (next < lines.length) {
    const found = item.exec(lines[next] ?? '');
    const belongs = found && Math.abs((found[1] ?? '').length - indent) < 2 && isOrdered(found[2] ?? '') === ordered;
    if (!belongs || rule.test(lines[next] ?? '')) break;
    const taken = takeItem(lines, next, (found[1] ?? '').length);
    items.push(parseLines(taken.body, depth + 1));
    next = taken.next;
    // One blank line may stand between two items.
    if ((lines[next] ?? 'x').trim() === '' && item.test(lines[next + 1] ?? '')) next += 1;
  }
  const start = ordered ? Number.parseInt(first[2] ?? '1', 10) : 1;
  return { block: { kind: 'list', isOrdered: ordered, start, items }, next };
}

const takers: Taker[] = [takeCode, takeHeading, takeRule, takeQuote, takeTable, takeList];
const startsBlock = (line: string) => [fence, heading, rule, quote, item].some((pattern) => pattern.test(line));

function takeParagraph(lines: string[], at: number): Taken {
  let next = at + 1;
  while (next < lines.length && (lines[next] ?? '').trim() !== '' && !startsBlock(lines[next] ?? '')) {
    if (takeTable(lines, next)) break;
    next += 1;
  }
  const text = lines.slice(at, next).map((line) => line.trimStart()).join('\n');
  return { block: { kind: 'paragraph', text: parseInline(text) }, next };
}

function parseLines(lines: string[], depth: number): Block[] {
  const blocks: Block[] = [];
  const possible = depth < deepest ? takers : [takeCode];
  for (let at = 0; at < lines.length; ) {
    if ((lines[at] ?? '').trim() === '') {
      at += 1;
      continue;
    }
    let taken: Taken | null = null;
    for (const take of possible) {
      taken = take(lines, at, depth);
      if (taken) break;
    }
    taken ??= takeParagraph(lines, at);
    blocks.push(taken.block);
    at = taken.next;
  }
  return blocks;
}

export function parseMarkdown(text: string): Block[] {
  return parseLines(text.replace(/\r\n?/g, '\n').replace(/\t/g, '    ').split('\n'), 0);
}
