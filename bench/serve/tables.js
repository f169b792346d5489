'use strict';
// The results of bench/serve/compare as tables in a page, between two marks.
const fs = require('fs');
const {quantile} = require('./summary.js');

const BEGIN = '<!-- tables: bench/serve -->';
const END = '<!-- end of bench/serve -->';

const median = (runs, pick) => quantile(runs.map(pick), 0.5);
const number = (x) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row), ''].join('\n');

function streams(results) {
  const counts = [...new Set(Object.keys(results).map((k) => (k.match(/^streams (\d+) /) || [])[1]))]
                     .filter(Boolean).map(Number).sort((a, b) => a - b);
  const rows = counts.filter((n) => results[`streams ${n} llama`]?.length).map((n) => {
    const [ours, theirs] = [results[`streams ${n} verge`], results[`streams ${n} llama`]];
    const rate = (runs) => median(runs, (r) => r.output_tokens_per_s);
    const first = (runs) => median(runs, (r) => r.ttft_s.p50);
    return [n, number(rate(ours)), number(rate(theirs)), number(rate(ours) / rate(theirs)),
            `${number(first(ours))} / ${number(first(theirs))}`, Math.min(ours.length, theirs.length)];
  });
  return '### Streams: prompts of 128 tokens, answers of 64\n\n' +
      table(['streams', 'Verge, tokens/s', 'llama.cpp', 'ratio', 'first token p50, s', 'runs'], rows);
}

function shared(results) {
  const rate = (name) => median(results[name], (r) => r.output_tokens_per_s);
  const names = {'shared on verge': 'Verge', 'shared off verge': 'Verge, --no-prefix-cache', 'shared llama': 'llama.cpp'};
  const rows = Object.keys(names).filter((n) => results[n]?.length).map((n) => [
    names[n], number(rate(n)), number(rate(n) / rate('shared off verge')),
    number(median(results[n], (r) => r.ttft_s.p50))]);
  return '### A shared prefix: 32 prompts of 1024 equal and 32 own tokens, answers of 16, 8 streams\n\n' +
      table(['', 'answer tokens/s', 'beside no sharing', 'first token p50, s'], rows);
}

function traces(results) {
  const rows = Object.keys(results).filter((k) => k.startsWith('trace ') && results[k].length).map((k) => {
    const r = results[k][0];
    const three = (q) => [q.p50, q.p90, q.p99].map(number).join(' / ');
    return [k.slice(6), number(r.output_tokens_per_s), three(r.ttft_s), three(r.tpot_s),
            `${(100 * r.goodput).toFixed(0)} %`, r.cached_tokens];
  });
  return '### Traces\n\n' + table(['trace, server', 'answer tokens/s', 'first token p50 / p90 / p99, s',
                                   'per token p50 / p90 / p99, s', 'goodput', 'tokens from the cache'], rows);
}

function rest(results) {
  const lines = [];
  for (const r of results['idle 64 verge'] || []) {
    lines.push(`64 idle conversations of 256 tokens: ${number((r.after - r.before) / 1048576)} MiB over the empty server; ` +
               `asked again, ${r.cached_tokens} prompt tokens came from the cache.`);
  }
  for (const r of results['http verge'] || []) {
    lines.push(`wrk, 64 connections: /health ${number(r.health.requests_per_s)} requests/s (p99 ${r.health.p99}), ` +
               `404 ${number(r.not_found.requests_per_s)} (p99 ${r.not_found.p99}).`);
  }
  for (const r of results['soak verge'] || []) {
    lines.push(`Soak of ${r.minutes} minutes, ${r.requests} requests: resident ${number(r.rss_first_quarter / 1048576)} MiB in the ` +
               `first quarter, ${number(r.rss_last_quarter / 1048576)} in the last.`);
  }
  return lines.map((line) => `- ${line}`).join('\n') + '\n';
}

/// Replaces what stands between the marks, or adds it at the end.
function write(file, results, machine, command) {
  const parts = [`    ${command}\n`,
                 `Machine: ${machine}. Verge answers over HTTP; llama.cpp runs in the process that measures it.\n`,
                 streams(results)];
  if (results['shared off verge']?.length) parts.push(shared(results));
  parts.push(traces(results), rest(results));
  const text = `${BEGIN}\n${parts.join('\n')}${END}`;
  const page = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const from = page.indexOf(BEGIN), to = page.indexOf(END);
  fs.writeFileSync(file, from >= 0 && to > from ? page.slice(0, from) + text + page.slice(to + END.length)
                                                : page + '\n' + text + '\n');
}

module.exports = {write};
