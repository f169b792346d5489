'use strict';
// Workloads: {closed, requests: [{at_s, prompt: [token ids], output, fields: of the request's body}]}, the same for both servers.
// closed: a new request begins when one ends (at_s says nothing); else at_s is when it arrives.
const fs = require('fs');

// Token ids that depend on `seed` and place alone, away from the special tokens at the start of a vocabulary.
function tokens(seed, count, vocabulary) {
  const ids = new Array(count);
  for (let i = 0; i < count; ++i) {
    let x = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b)) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) >>> 0;
    ids[i] = 300 + ((x ^ (x >>> 12)) >>> 0) % (vocabulary - 400);
  }
  return ids;
}

/// `count` requests with prompts of their own.
function steady({count, prompt, output, vocabulary, seed = 1}) {
  const requests = [];
  for (let i = 0; i < count; ++i) {
    requests.push({at_s: 0, prompt: tokens(seed * 1000 + i, prompt, vocabulary), output});
  }
  return {closed: true, requests};
}

/// `count` texts of the King James Bible's kind to go on with.
function texts({count, output}) {
  const beginnings = ['In the beginning God', 'And it came to pass', 'The LORD is my shepherd', 'And he said unto them,',
                      'Now these are the names of', 'Blessed are the', 'Woe unto you', 'Let us go up to',
                      'In those days there was no', 'What is man, that thou', 'He that hath an ear', 'And the sons of'];
  const scenes = ['', 'In the second year, ', 'Thus saith the LORD, ', 'Then answered the king, '];
  const requests = [];
  for (let i = 0; i < count; ++i) {
    const scene = scenes[Math.floor(i / beginnings.length) % scenes.length];
    requests.push({at_s: 0, prompt: scene + beginnings[i % beginnings.length], output});
  }
  return {closed: true, requests};
}

/// The same beginning of `shared` tokens for all, then `own` tokens.
function sharedPrefix({count, shared, own, output, vocabulary, seed = 1}) {
  const beginning = tokens(seed, shared, vocabulary);
  const requests = [];
  for (let i = 0; i < count; ++i) {
    requests.push({at_s: 0, prompt: beginning.concat(tokens(seed * 1000 + i + 1, own, vocabulary)), output});
  }
  return {closed: true, requests};
}

/// The first `count` requests of a trace of columns TIMESTAMP, ContextTokens, GeneratedTokens (Azure
/// 2023, conversation and code, Patel et al. 2024), lengths times `scale`, arrivals at `rate` a second on average.
function azure(file, {count, scale, rate, vocabulary}) {
  const rows = fs.readFileSync(file, 'utf8').trim().split('\n').slice(1, count + 1).map((line) => {
    const [time, context, generated] = line.split(',');
    return {ms: Date.parse(time.replace(' ', 'T').slice(0, 23) + 'Z'), context: +context, generated: +generated};
  });
  return open(rows.map((row, i) => ({...row, prompt: tokens(i, scaled(row.context, scale), vocabulary)})),
              scale, rate);
}

/// One in `one_in` conversations of a trace of JSON lines {timestamp, input_length, output_length, hash_ids}
/// (Mooncake, Qin et al. 2025), whole: a stretch of the trace would cut them apart, and with them what is shared.
/// Equal ids are equal blocks of 512 tokens; all requests begin alike, the second block tells conversations apart.
function mooncake(file, {one_in, scale, rate, vocabulary}) {
  const block = Math.max(1, Math.round(512 * scale));
  const conversation = ({hash_ids: ids}) => Math.imul(ids[1] ?? ids[0], 0x9e3779b1) >>> 8;
  const kept = fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
                   .filter((row) => conversation(row) % one_in === 0);
  const rows = kept.map((row) => {
    const all = row.hash_ids.flatMap((id) => tokens(id, block, vocabulary));
    return {ms: row.timestamp, generated: row.output_length, prompt: all.slice(0, scaled(row.input_length, scale))};
  });
  return open(rows, scale, rate);
}

function scaled(length, scale) {
  return Math.max(1, Math.round(length * scale));
}

function open(rows, scale, rate) {
  const first = rows[0].ms;
  const span = (rows[rows.length - 1].ms - first) / 1000;
  const factor = rows.length / rate / span;
  return {closed: false, requests: rows.map((row) => ({
    at_s: (row.ms - first) / 1000 * factor,
    prompt: row.prompt,
    output: scaled(row.generated, scale),
  }))};
}

module.exports = {azure, mooncake, sharedPrefix, steady, texts};
