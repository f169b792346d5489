'use strict';

function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : 0;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

/// Of a run's requests: tokens a second, time to first token, time per further token, and goodput, the
/// share of requests whose first token came within `ttft_s` and whose others took at most `tpot_s` on average.
function summarize(run, goal = {ttft_s: 5, tpot_s: 0.2}) {
  const ttft = run.requests.map((r) => r.first_token_s - r.at_s);
  const tpot = run.requests.filter((r) => r.output_tokens > 1)
                   .map((r) => (r.end_s - r.first_token_s) / (r.output_tokens - 1));
  const good = run.requests.filter((r) => r.first_token_s - r.at_s <= goal.ttft_s &&
      (r.output_tokens < 2 || (r.end_s - r.first_token_s) / (r.output_tokens - 1) <= goal.tpot_s));
  return {
    seconds: run.seconds,
    output_tokens_per_s: sum(run.requests.map((r) => r.output_tokens)) / run.seconds,
    prompt_tokens_per_s: sum(run.requests.map((r) => r.prompt_tokens)) / run.seconds,
    cached_tokens: sum(run.requests.map((r) => r.cached_tokens || 0)),
    ttft_s: {p50: quantile(ttft, 0.5), p90: quantile(ttft, 0.9), p99: quantile(ttft, 0.99)},
    tpot_s: {p50: quantile(tpot, 0.5), p90: quantile(tpot, 0.9), p99: quantile(tpot, 0.99)},
    goodput: good.length / run.requests.length,
  };
}

module.exports = {quantile, summarize};
