'use strict';
// What is measured: each part runs cases on a Fleet and returns what tables.js shows of them.
const fs = require('fs');
const path = require('path');

const CONSTANT = '23mbit,20ms';
const OUTAGE = '4G_report_train_0001';  // has some of three seconds
const DEADLINE_S = 0.5;  // for a token of the cloud, where the link may go
const MODES = ['cloud', 'collab', 'auto', 'standalone'];

/// options: tokens, slow, prompts, policy, traces (file), main (a trace's name), sizes; fleet.
class Parts {
  constructor(fleet, options) {
    this.fleet = fleet;
    this.options = options;
    this.sizes = options.sizes;
  }
  trace(name) {
    return `${this.options.traces}:${name}`;
  }
  names(family) {
    const rows = fs.readFileSync(this.options.traces, 'utf8').trim().split('\n').slice(1);
    return [...new Set(rows.map((row) => row.split(',')[0]))].filter((name) => name.startsWith(family));
  }
  // A trace's part that begins two steps before its first outage.
  outageOf(name) {
    const [head, ...rows] = fs.readFileSync(this.options.traces, 'utf8').trim().split('\n');
    const own = rows.filter((row) => row.split(',')[0] === name);
    const column = head.split(',').indexOf('bandwidth_kbps');
    const first = own.findIndex((row) => +row.split(',')[column] === 0);
    const file = this.fleet.at(`${name}.csv`);
    fs.writeFileSync(file, [head, ...own.slice(Math.max(0, first - 2))].join('\n') + '\n');
    return file;
  }
  bench(c) {
    const {tokens, slow, prompts, policy} = this.options;
    const thresholds = c.easy ? ['--theta1', '0', '--theta2', '0'] : ['--policy', policy];
    console.error(`  ${c.modes.join(', ')}: ${c.answers} answers, ${c.clients} at once`);
    return this.fleet.bench({tokens, slow, prompts, ...c, more: [...thresholds, ...(c.more || [])]});
  }

  // All modes at one client over each link; the base line that sends everything anew has an answer.
  async links() {
    const links = {'23 Mbit/s, 20 ms': CONSTANT};
    for (const name of [...this.names('4G').slice(0, this.sizes.traces), ...this.names('3G').slice(0, this.sizes.traces)]) {
      links[name] = this.trace(name);
    }
    links[`${OUTAGE}, from its outage on`] = this.outageOf(OUTAGE);
    const found = [];
    for (const [name, link] of Object.entries(links)) {
      const rows = await this.bench({link, clients: 1, modes: MODES, answers: this.sizes.alone});
      const naive = await this.bench({link, clients: 1, modes: ['naive'], answers: 1});
      found.push({name, rows: [...rows, ...naive]});
    }
    return found;
  }

  // Clients on the main link, and the base line on a few answers beside collab on the same.
  async clients() {
    const link = this.trace(this.options.main);
    const found = {};
    for (const clients of [1, 8, 32]) {
      const more = clients === 8 ? ['--svg', path.join(this.options.pictures, 'collab.svg')] : [];
      const answers = {1: this.sizes.alone, 8: this.sizes.main, 32: this.sizes.many}[clients];
      // As many devices alone at once as 32 would want more than their core.
      const modes = clients === 32 ? MODES.slice(0, 3) : MODES;
      found[clients] = await this.bench({link, clients, modes, answers, more});
    }
    found.naive = await this.bench({link, clients: 8, modes: ['naive', 'collab'], answers: this.sizes.naive,
                                    more: ['--svg', path.join(this.options.pictures, 'collab-naive.svg')]});
    return found;
  }

  // Tokens that a device drafts while it waits for the cloud's.
  async drafts() {
    const link = this.trace(this.options.main);
    const found = [];
    for (const most of [0, 4, 8]) {
      for (const clients of [1, 8]) {
        const answers = clients === 1 ? 2 * this.sizes.alone : this.sizes.few;
        const [row] = await this.bench({link, clients, modes: ['collab'], answers, more: ['--draft-tokens', String(most)]});
        found.push({most, clients, row});
      }
    }
    return found;
  }

  // An edge as fast as the server, and one four times slower.
  async speed() {
    const link = this.trace(this.options.main);
    const found = [];
    for (const factor of [1, 4]) {
      const rows = await this.bench({link, clients: 8, modes: ['cloud', 'collab', 'standalone'], answers: this.sizes.few,
                                     edgeSlow: factor * this.options.slow});
      found.push({factor, rows});
    }
    return found;
  }

  // The link is away for ten seconds: what comes meanwhile, and how late.
  async outage() {
    const file = this.fleet.at('outage.csv');
    const [begin, end] = [1, 11];
    fs.writeFileSync(file, `time_s,bandwidth_bps,delay_s\n0,23000000,0.02\n${begin},0,0.02\n${end},23000000,0.02\n3600,23000000,0.02\n`);
    const prompt = fs.readFileSync(this.options.prompts, 'utf8').split('\n')[0].replace(/\\n/g, '\n');
    const found = [];
    for (const mode of ['standalone', 'cloud', 'collab', 'auto']) {
      const {tokens} = await this.fleet.answer({
        link: file, mode, prompt, tokens: this.sizes.outageTokens, slow: this.options.slow * this.sizes.outageSlow,
        more: ['--policy', this.options.policy, '--deadline', mode === 'cloud' ? '60' : String(DEADLINE_S)]});
      const times = tokens.map((token) => token.at_s);
      // Waits that lie in the outage, or reach into it.
      const waits = times.map((at, i) => [i === 0 ? 0 : times[i - 1], at]).filter(([from, to]) => to > begin && from < end);
      const length = waits.map(([from, to]) => to - from);
      found.push({mode, tokens: waits.length, mean: length.reduce((a, b) => a + b, 0) / length.length,
                  longest: Math.max(...length), degraded: tokens.filter((token) => token.place === 'degraded').length});
    }
    return found;
  }

  async codecs() {
    const link = this.trace(this.options.main);
    const found = [];
    for (const codec of ['f32', 'f16', 'int8', 'int4h']) {
      const [row] = await this.bench({link, clients: 8, modes: ['collab'], answers: this.sizes.few, more: ['--codec', codec]});
      found.push({codec, row});
    }
    return found;
  }

  // Text that is all easy does not feel the link.
  async delay() {
    const found = [];
    for (const ms of [0, 200]) {
      const [row] = await this.bench({link: `100mbit,${ms}ms`, clients: 1, modes: ['collab'], answers: this.sizes.easy,
                                      easy: true});
      found.push({ms, row});
    }
    return found;
  }

  // The calibration again and again, on random halves of its text, each held against the other half.
  async promise() {
    return this.fleet.run('fit', 'exits', this.fleet.options.model, '--calib', this.options.calibration, '--agree', this.options.agree,
                          '--splits', String(this.sizes.splits), '--threads', '1');
  }
}

module.exports = {Parts};
