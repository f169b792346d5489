'use strict';
// Sends a workload to a running `verge serve` by its completions route and notes when tokens come.
const http = require('http');
const {performance} = require('perf_hooks');

/// One request, with the `fields` it adds; resolves to {at_s, first_token_s, end_s, prompt_tokens, output_tokens, cached_tokens}, {left: true} where
/// it `leaves` at the first token, {refused: seconds to wait} where it `yields` to a full queue (429).
function send(url, model, request, now, agent) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({model, prompt: request.prompt, max_tokens: request.output, temperature: 0,
                                 ignore_eos: true, stream: true, stream_options: {include_usage: true}, ...request.fields});
    const record = {at_s: now(), first_token_s: 0};
    const call = http.request(url + '/v1/completions',
        {method: 'POST', agent, headers: {'content-type': 'application/json', 'content-length': Buffer.byteLength(body)}},
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (part) => {
            if (record.first_token_s === 0 && part.includes('"text"')) record.first_token_s = now();
            if (request.leaves && record.first_token_s > 0) {
              resolve({...record, left: true});
              answer.destroy();
              return;
            }
            text = (text + part).slice(-4096);
          });
          answer.on('error', reject);
          answer.on('end', () => {
            record.end_s = now();
            const wait = +answer.headers['retry-after'];
            if (request.yields && answer.statusCode === 429 && wait > 0) {
              resolve({...record, refused: wait});
              return;
            }
            const usage = text.match(/"usage":\{.*?"prompt_tokens":(\d+)/);
            const output = text.match(/"completion_tokens":(\d+)/);
            if (answer.statusCode !== 200 || !output) {
              reject(new Error(`status ${answer.statusCode}: ${text.slice(0, 300)}`));
              return;
            }
            record.prompt_tokens = usage ? +usage[1] : request.prompt.length;
            record.output_tokens = +output[1];
            const cached = text.match(/"cached_tokens":(\d+)/);
            record.cached_tokens = cached ? +cached[1] : 0;
            resolve(record);
          });
        });
    call.on('error', reject);
    call.end(body);
  });
}

/// Runs a workload: closed with `streams` requests under way, or open at its arrival times.
async function run(url, model, workload, streams) {
  const begin = performance.now();
  const now = () => (performance.now() - begin) / 1000;
  const agent = new http.Agent({keepAlive: true, maxSockets: Infinity});
  const done = [];
  if (workload.closed) {
    let next = 0;
    const worker = async () => {
      while (next < workload.requests.length) {
        done.push(await send(url, model, workload.requests[next++], now, agent));
      }
    };
    await Promise.all(Array.from({length: streams}, worker));
  } else {
    await Promise.all(workload.requests.map(async (request) => {
      await new Promise((wake) => setTimeout(wake, 1000 * request.at_s - 1000 * now()));
      done.push({...await send(url, model, request, now, agent), at_s: request.at_s});
    }));
  }
  const seconds = now();
  agent.destroy();
  return {seconds, requests: done};
}

module.exports = {run};
