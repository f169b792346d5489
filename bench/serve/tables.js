'use strict';
// The results of bench/serve/compare as tables in a page, between two marks.
const fs = require('fs');

const BEGIN = '<!-- tables: bench/serve -->';
const END = '<!-- end of bench/serve -->';

function median(runs, pick) {
  const sorted = runs.map(pick).sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
const number = (x) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row), ''].join('\n');
const mib = (bytes) => number(bytes / 1048576);
const verdict = (value, target) => (value >= target ? 'met' : 'missed');

// What is aimed at: times llama.cpp by streams, and times an answer without sharing.
const TIMES_LLAMA = {16: 1.5, 64: 1.5};
const TIMES_UNSHARED = 3;

function streams(results) {
  const counts = [...new Set(Object.keys(results).map((k) => (k.match(/^streams (\d+) /) || [])[1]))]
                     .filter(Boolean).map(Number).sort((a, b) => a - b);
  const rows = counts.filter((n) => results[`streams ${n} llama`]?.length).map((n) => {
    const [ours, theirs] = [results[`streams ${n} verge`], results[`streams ${n} llama`]];
    const rate = (runs) => median(runs, (r) => r.output_tokens_per_s);
    const first = (runs) => median(runs, (r) => r.ttft_s.p50);
    const target = TIMES_LLAMA[n];
    const ratio = rate(ours) / rate(theirs);
    return [n, number(rate(ours)), number(rate(theirs)), number(ratio),
            target ? `${target}: ${verdict(ratio, target)}` : 'none',
            `${number(first(ours))} / ${number(first(theirs))}`, `${ours.length} and ${theirs.length}`];
  });
  return '### Streams: prompts of 128 tokens, answers of 64\n\n' +
      table(['streams', 'Verge, tokens/s', 'llama.cpp', 'ratio', 'target', 'first token p50, s', 'runs'], rows);
}

function shared(results) {
  const rate = (name) => median(results[name], (r) => r.output_tokens_per_s);
  const names = {'shared on verge': 'Verge', 'shared off verge': 'Verge, --no-prefix-cache', 'shared llama': 'llama.cpp'};
  const rows = Object.keys(names).filter((n) => results[n]?.length).map((n) => [
    names[n], number(rate(n)), number(rate(n) / rate('shared off verge')),
    number(median(results[n], (r) => r.ttft_s.p50)), results[n].length]);
  const times = rate('shared on verge') / rate('shared off verge');
  return '### A shared prefix: 32 prompts of 1024 equal and 32 own tokens, answers of 16, 8 streams\n\n' +
      table(['', 'answer tokens/s', 'beside no sharing', 'first token p50, s', 'runs'], rows) +
      `\nTarget: ${TIMES_UNSHARED} times no sharing, ${verdict(times, TIMES_UNSHARED)}. The peer shares nothing here.\n`;
}

function traces(results) {
  const rows = Object.keys(results).filter((k) => k.startsWith('trace ') && results[k].length).map((k) => {
    const of = (pick) => median(results[k], pick);
    const three = (q) => ['p50', 'p90', 'p99'].map((p) => number(of((r) => r[q][p]))).join(' / ');
    const title = k.slice(6).replace('verge', 'Verge').replace('llama', 'llama.cpp');
    return [title, number(of((r) => r.output_tokens_per_s)), three('ttft_s'), three('tpot_s'),
            `${(100 * of((r) => r.goodput)).toFixed(0)} %`, of((r) => r.cached_tokens), results[k].length];
  });
  return '### Traces\n\n' + table(['trace, server', 'answer tokens/s', 'first token p50 / p90 / p99, s',
                                   'per token p50 / p90 / p99, s', 'goodput', 'tokens from the cache', 'runs'], rows);
}

// Beside the same streams without guesses.
function speculation(results) {
  const rate = (name) => median(results[name], (r) => r.output_tokens_per_s);
  const rows = Object.keys(results).filter((k) => k.startsWith('speculation ') && results[k].length).map((name) => {
    const [, streams, kind] = name.split(' ');
    const drafted = median(results[name], (r) => r.drafted), accepted = median(results[name], (r) => r.accepted);
    return [streams, kind, number(rate(name)), number(rate(name) / rate(`speculation ${streams} off`)),
            drafted, drafted > 0 ? `${(100 * accepted / drafted).toFixed(0)} %` : '', results[name].length];
  });
  return '### Guessing ahead: models/verge-lm.gguf, short prompts, greedy answers of 150 tokens\n\n' +
      table(['streams', '--speculate', 'answer tokens/s', 'ratio', 'drafted', 'accepted', 'runs'], rows);
}

function grammar(results) {
  const rows = Object.keys(results).filter((k) => /^grammar \d+ (string|counted)$/.test(k) && results[k].length).map((name) => {
    const [, streams, kind] = name.split(' ');
    const free = results[`grammar ${streams} free`];
    const ms = (runs) => 1000 * median(runs, (r) => r.tpot_s.p50);
    return [streams, kind, number(ms(free)), number(ms(results[name])), `${number(100 * (ms(results[name]) / ms(free) - 1))} %`,
            results[name].length];
  });
  return '### Constrained answers: strings of a JSON schema, prompts of 128 tokens, answers of 64\n\n' +
      table(['streams', 'string', 'ms a token, free', 'constrained', 'more', 'runs'], rows);
}

function rest(results) {
  const lines = [];
  for (const r of results['idle 64 verge'] || []) {
    lines.push(`64 idle conversations of 256 tokens: ${mib(r.after - r.before)} MiB over the empty server; ` +
               `asked again, ${r.cached_tokens} prompt tokens came from the cache.`);
  }
  for (const r of results['http verge'] || []) {
    lines.push(`wrk, 64 connections: /health ${number(r.health.requests_per_s)} requests/s (p99 ${r.health.p99}), ` +
               `404 ${number(r.not_found.requests_per_s)} (p99 ${r.not_found.p99}).`);
  }
  for (const r of Object.keys(results).filter((k) => k.startsWith('open ')).flatMap((k) => results[k])) {
    lines.push(`${r.streams} streams at once, a queue of ${r.queue} (${r.shape}): ${r.answered} answered, ${r.refused} told by 429 when ` +
               `to come back, none failed; ${r.files_most} open files, ${mib(r.peak_rss_bytes - r.before)} MiB at most over the empty ` +
               `server; first token p50 ${number(r.ttft_s.p50)} s, p99 ${number(r.ttft_s.p99)}.`);
  }
  for (const r of results['soak verge'] || []) {
    const growth = r.rss_quarters[3] / r.rss_quarters[1] - 1;
    lines.push(`Soak of ${r.minutes} minutes (${r.shape}), ${r.answered} answers and ${r.left} clients that hung up: resident ` +
               `${r.rss_quarters.map(mib).join(', ')} MiB by quarters, ${mib(r.rss_max)} at most; aim: the last at most 2 % over the ` +
               `second, ${verdict(-growth, -0.02)}.`);
  }
  return lines.map((line) => `- ${line}`).join('\n') + '\n';
}

/// Replaces what stands between the marks, or adds it at the end.
function write(file, results, machine, command) {
  const has = (prefix) => Object.keys(results).some((k) => k.startsWith(prefix) && results[k].length);
  const parts = [`    ${command}\n`,
                 `Machine: ${machine}. Verge answers over HTTP; llama.cpp runs in the process that measures it.\n`];
  if (has('streams')) parts.push(streams(results));
  if (has('shared off verge')) parts.push(shared(results));
  if (has('trace ')) parts.push(traces(results));
  if (has('speculation ')) parts.push(speculation(results));
  if (has('grammar ')) parts.push(grammar(results));
  parts.push(rest(results));
  const text = `${BEGIN}\n${parts.join('\n')}${END}`;
  const page = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const from = page.indexOf(BEGIN), to = page.indexOf(END);
  fs.writeFileSync(file, from >= 0 && to > from ? page.slice(0, from) + text + page.slice(to + END.length)
                                                : page + '\n' + text + '\n');
}

module.exports = {write};
