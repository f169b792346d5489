'use strict';
// The results of bench/collab as tables in a page, between two marks.
const fs = require('fs');

const BEGIN = '<!-- tables: bench/collab -->\n', END = '<!-- end of bench/collab -->\n';

const number = (x) => (x === null || x === undefined || Number.isNaN(x) ? '-' : x >= 1000 ? x.toFixed(0) : x.toPrecision(3));
const percent = (x) => (x === null || x === undefined ? '-' : `${(100 * x).toFixed(1)} %`);
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n') + '\n';
const of = (rows, mode) => rows.find((row) => row.mode === mode);
const all = (row) => Object.values(row.tokens).reduce((a, b) => a + b, 0);
const perToken = (row, name) => row[name] / all(row);

const HEADS = ['mode', 'answers', 'answers/s', 's mean', 's p95', 'exit 1 / exit 2 / cloud / degraded, %', 'device s', 'link s, waited for',
               'link s, hidden', 'node s', 'B up / down a token', 'layer-tokens a token, device', 'node', 'node passes a token',
               'node engine s an answer', 'agrees', 'same as cloud', 'ROUGE-L'];
function cells(row) {
  const places = ['exit1', 'exit2', 'cloud', 'degraded'].map((place) => (100 * row.tokens[place] / all(row)).toFixed(0)).join(' / ');
  return [row.mode, row.failed ? `${row.answers} (${row.failed} broke off)` : row.answers, number(row.answers_per_s),
          number(row.answer_s.mean), number(row.answer_s.p95), places, number(row.edge_s), number(row.exposed_s),
          number(row.hidden_s), number(row.server_s),
          `${row.bytes_up_per_token.toFixed(0)} / ${row.bytes_down_per_token.toFixed(0)}`,
          number(perToken(row, 'edge_layer_tokens')), number(perToken(row, 'server_layer_tokens')),
          number(perToken(row, 'server_passes')), number(row.server_engine_s / row.answers), percent(row.agreement),
          percent(row.same_as_cloud), number(row.rouge_l)];
}

// What is aimed at (shared specification, its section 6), and whether it was reached: [what, ours, target, met].
function headlines(results, facts) {
  const found = [];
  const verdict = (what, ours, target, met, note = '') => found.push([what, ours, target, met ? 'met' : 'missed', note]);
  const {clients, drafts, codecs, outage, delay, promise} = results;
  if (clients) {
    const [cloud, collab] = [of(clients[8], 'cloud'), of(clients[8], 'collab')];
    const [naive, beside] = [of(clients.naive, 'naive'), of(clients.naive, 'collab')];
    const upper = (facts.layers - facts.exits[0]) / facts.layers;
    const work = perToken(collab, 'server_layer_tokens') / perToken(cloud, 'server_layer_tokens');
    verdict('node layer-tokens, of cloud (8 clients)', number(work), '0.155', work <= 0.155 && collab.agreement >= 0.98,
            `agreement ${percent(collab.agreement)}; hard tokens alone ${number(collab.cloud_rate * upper)}, with all positions filled ` +
            `${number(upper)}`);
    for (const [what, name] of [['node passes', 'server_passes'], ['node engine seconds', 'server_engine_s']]) {
      const share = perToken(collab, name) / perToken(cloud, name);
      verdict(`${what}, of cloud (8 clients)`, number(share), '0.155', share <= 0.155 && collab.agreement >= 0.98,
              `paper: cloud computation 0.155; hard tokens ${percent(collab.cloud_rate)}`);
      const alone = perToken(of(clients[1], 'collab'), name) / perToken(of(clients[1], 'cloud'), name);
      verdict(`${what}, of cloud (1 client)`, number(alone), '0.155', alone <= 0.155 && collab.agreement >= 0.98);
    }
    const time = collab.answer_s.mean / cloud.answer_s.mean;
    verdict('time of an answer, of cloud (4G, 8 clients)', number(time), '0.75', time <= 0.75, 'paper 0.862');
    const slower = beside.answer_s.mean / naive.answer_s.mean;
    verdict('time of an answer, of naive (4G, 8 clients)', number(slower), '0.08', slower <= 0.08, 'paper about 0.095');
    const exposed = collab.exposed_s / (collab.exposed_s + collab.hidden_s);
    verdict('communication waited for, of all (4G)', number(exposed), '0.10', exposed <= 0.1);
    const bytes = beside.bytes_up_per_token / naive.bytes_up_per_token;
    verdict('bytes up a token, of naive', percent(bytes), '1 %', bytes <= 0.01);
    const many = of(clients[32], 'collab').answers_per_s / of(clients[32], 'cloud').answers_per_s;
    verdict('answers/s at 32 clients, of cloud', number(many), '3', many >= 3);
  }
  if (drafts) {
    const mean = (most) => drafts.find((d) => d.most === most && d.clients === 1).row.answer_s.mean;
    const share = Math.min(mean(4), mean(8)) / mean(0);
    found.push(['time of an answer with drafts, of without (1 client)', number(share), '-', '', '']);
  }
  if (codecs) {
    const up = (codec) => codecs.find((c) => c.codec === codec).row.bytes_up_per_token;
    const share = up('int8') / up('f16');
    verdict('bytes up a token, int8 of f16', number(share), '0.53', share <= 0.53);
  }
  if (outage) {
    const alone = outage.find((o) => o.mode === 'standalone').mean;
    for (const mode of ['collab', 'auto']) {
      const share = outage.find((o) => o.mode === mode).mean / alone;
      verdict(`time to next token in a 10 s outage, ${mode} of standalone`, number(share), '1.2', share <= 1.2);
    }
  }
  if (promise) {
    const kept = promise.trial.kept / promise.trial.splits;
    verdict(`calibrations that keep ${facts.agree} on text they did not see`, percent(kept), '95 %', kept >= 0.95);
  }
  if (delay) {
    const [near, far] = delay.map((d) => d.row.answer_s.mean);
    verdict('easy text with 200 ms more delay, time added', percent(far / near - 1), '2 %', Math.abs(far / near - 1) <= 0.02);
  }
  return found;
}

function predicted(row) {
  const p = row.predicted;
  const error = (ours, measured) => percent(ours / measured - 1);
  return table(['what', 'predicted', 'measured', 'error'], [
    ['s until the next token', number(p.next_token_s), number(row.next_token_s), error(p.next_token_s, row.next_token_s)],
    ['node engine s, all answers', number(p.server_engine_s), number(row.server_engine_s),
     error(p.server_engine_s, row.server_engine_s)]]);
}

function page(results, facts) {
  let text = `    ${facts.command}\n\n${facts.words}\n\n`;
  text += table(['what', 'ours', 'target', '', 'beside'], headlines(results, facts));
  const {links, clients, drafts, speed, outage, codecs, delay, promise} = results;
  if (clients) {
    text += `![Where the seconds of an answer go, 8 clients](collab.svg)\n\n`;
    for (const n of [1, 8, 32]) text += `${n} client${n > 1 ? 's' : ''}, ${facts.main}:\n\n${table(HEADS, clients[n].map(cells))}\n`;
    text += `Beside the split that sends everything anew, 8 clients:\n\n${table(HEADS, clients.naive.map(cells))}\n`;
    text += `Predicted by the cost model from times of single layers, with the measured shares of exits (1 client):\n\n` +
            `${predicted(of(clients[1], 'collab'))}\n`;
  }
  if (drafts) {
    text += `Tokens that a device may draft while its cloud is asked, mode collab, ${facts.main}:\n\n`;
    text += table(['drafts', 'clients', ...HEADS], drafts.map(({most, clients: n, row}) => [most, n, ...cells(row)])) + '\n';
  }
  if (links) {
    text += 'One client over each link:\n\n';
    text += table(['link', ...HEADS], links.flatMap(({name, rows}) => rows.map((row) => [name, ...cells(row)]))) + '\n';
  }
  if (speed) {
    text += 'Devices as fast as the node, and four times slower (8 clients):\n\n';
    text += table(['slower', ...HEADS], speed.flatMap(({factor, rows}) => rows.map((row) => [`${factor}x`, ...cells(row)]))) + '\n';
  }
  if (outage) {
    text += `An outage of 10 s (slowed ${facts.outageSlow} times):\n\n`;
    text += table(['mode', 'tokens meanwhile', 's to the next, mean', 'longest', 'degraded, whole answer'],
                  outage.map((o) => [o.mode, o.tokens, number(o.mean), number(o.longest), o.degraded])) + '\n';
  }
  if (codecs) {
    text += 'Codecs, mode collab, 8 clients:\n\n';
    text += table(['codec', 'B up a token', 'agrees', 's mean'],
                  codecs.map(({codec, row}) => [codec, row.bytes_up_per_token.toFixed(0), percent(row.agreement), number(row.answer_s.mean)])) + '\n';
  }
  if (delay) {
    text += 'All tokens easy (thresholds 0):\n\n';
    text += table(['delay added, one way', 's mean'], delay.map(({ms, row}) => [`${ms} ms`, row.answer_s.mean.toFixed(4)])) + '\n';
  }
  if (promise) {
    const {trial} = promise;
    text += `Thresholds fitted on random halves of ${promise.records} records, ${trial.splits} times: the other half differed by ` +
            `${percent(trial.disagreement)} on average, ${percent(trial.worst_disagreement)} at worst; ${percent(trial.cloud)} of its tokens were hard.\n`;
  }
  return text;
}

/// Puts the page between its marks in the file.
function write(file, text) {
  const old = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const [before, rest] = old.includes(BEGIN) ? old.split(BEGIN) : [old + '\n', END];
  fs.writeFileSync(file, before + BEGIN + text + END + (rest.split(END)[1] || ''));
}

module.exports = {headlines, page, write};
