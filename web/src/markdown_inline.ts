// Marks inside a line of Markdown: code, bold, italic, struck text and links. Time is linear in the text but for
// nesting, which is bounded.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'break' }
  | { kind: 'strong' | 'emphasis' | 'struck'; parts: Inline[] }
  | { kind: 'link'; address: string; parts: Inline[] };

const deepest = 6;
const longestMark = 2000;

// Each pattern matches at the start of what is left; the body of a mark neither begins nor ends with a space.
const code = /^(`+)(?!`)([^]*?[^`])\1(?!`)/;
const marks: [RegExp, 'strong' | 'emphasis' | 'struck'][] = [
  [/^\*\*(?=\S)([^]*?\S)\*\*(?!\*)/, 'strong'],
  [/^__(?=\S)([^]*?\S)__(?![\p{L}\p{N}_])/u, 'strong'],
  [/^~~(?=\S)([^]*?\S)~~/, 'struck'],
  [/^\*(?=[^\s*])([^]*?[^\s*])\*(?!\*)/, 'emphasis'],
  [/^_(?=[^\s_])([^]*?[^\s_])_(?![\p{L}\p{N}_])/u, 'emphasis'],
];
const link = /^!?\[([^\]\n]*)\]\(([^\s"'<>]+?)(?:\s+"[^"\n]*")?\)/;
const bareLink = /^<?(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])>?/;
const escaped = /^\\([\\`*_{}[\]()#+\-.!~|>])/;
const plain = /^[^\\`*_~[!<h\n]+/;

/** Only addresses that a click may open: no scripts, no data. */
export function safeAddress(address: string): string | null {
  return /^(https?:\/\/|mailto:)/i.test(address) ? address : null;
}

function takeLink(rest: string, depth: number): [Inline, number] | null {
  const found = link.exec(rest);
  const address = safeAddress(found?.[2] ?? '');
  if (found && address) {
    return [{ kind: 'link', address, parts: parse(found[1] || address, depth + 1) }, found[0].length];
  }
  const bare = bareLink.exec(rest);
  if (!bare) return null;
  return [{ kind: 'link', address: bare[1] ?? '', parts: [{ kind: 'text', text: bare[1] ?? '' }] }, bare[0].length];
}

function takeMark(rest: string, before: string, depth: number): [Inline, number] | null {
  const first = rest[0];
  if (first === '`') {
    const found = code.exec(rest);
    if (!found) return null;
    const text = (found[2] ?? '').replace(/\n/g, ' ');
    return [{ kind: 'code', text: /^ .*[^ ].* $/.test(text) ? text.slice(1, -1) : text }, found[0].length];
  }
  if (depth >= deepest) return null;
  if (first === '[' || first === '!' || first === '<' || first === 'h') return takeLink(rest, depth);
  if (first === '_' && /[\p{L}\p{N}]$/u.test(before)) return null;
  for (const [pattern, kind] of marks) {
    const found = pattern.exec(rest);
    if (found) return [{ kind, parts: parse(found[1] ?? '', depth + 1) }, found[0].length];
  }
  return null;
}

function parse(text: string, depth: number): Inline[] {
  const parts: Inline[] = [];
  let pending = '';
  const flush = () => {
    if (pending) parts.push({ kind: 'text', text: pending });
    pending = '';
  };
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + longestMark);
    const run = plain.exec(rest)?.[0] ?? escaped.exec(rest)?.[0];
    if (run) {
      pending += run.startsWith('\\') ? run.slice(1) : run;
      at += run.length;
    } else if (rest[0] === '\n') {
      pending = pending.replace(/[ \\]+$/, '');
      flush();
      parts.push({ kind: 'break' });
      at += 1;
    } else {
      const taken = takeMark(rest, text.slice(Math.max(0, at - 2), at), depth);
      if (taken) {
        flush();
        parts.push(taken[0]);
      } else {
        pending += rest[0];
      }
      at += taken ? taken[1] : 1;
    }
  }
  flush();
  return parts;
}

export function parseInline(text: string): Inline[] {
  return parse(text, 0);
}
