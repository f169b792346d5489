'use strict';
// An edge and a cloud node as two processes of this machine, a core each where there are two, both slowed down to stand
// for slower machines with a larger model, and `verge node bench` between them.
const {execFileSync, spawn, spawnSync} = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const SESSIONS = 32;
const MEMORY = '128M';  // of the node's sessions

class Fleet {
  /// options: verge, model, slow.
  constructor(options) {
    this.options = options;
    this.work = fs.mkdtempSync(path.join(os.tmpdir(), 'verge-collab-'));
    this.pins = os.cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;
    const split = this.run('fit', 'split', options.model, '-o', this.at('edge.gguf'), this.at('cloud.gguf'));
    this.exits = split.exits;
    this.layers = split.layers;
    this.run('node', 'init', 'cloud', '--dir', this.at('cloud'));
  }
  at(name) {
    return path.join(this.work, name);
  }
  command(core, words) {
    return this.pins ? ['taskset', ['-c', String(core), this.options.verge, ...words]] : [this.options.verge, words];
  }
  run(...words) {
    const [program, all] = this.command(1, [...words, '--json']);
    return JSON.parse(execFileSync(program, all, {maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit']}));
  }
  /// A cloud whose answers pass `link`, so many times slower than this machine. Its caches are empty.
  async start(link, slow) {
    const [program, words] = this.command(0, [
      'node', 'start', '--dir', this.at('cloud'), '--host', '127.0.0.1', '--port', '0', '--join-port', '0', '--no-measure',
      '--threads', '1', '--collab', this.options.model, '--collab-sessions', String(SESSIONS), '--mem', MEMORY,
      '--slow', String(slow), '--link', link, '--json']);
    this.child = spawn(program, words, {stdio: ['ignore', 'pipe', 'inherit']});
    const started = await new Promise((resolve, reject) => {
      this.child.stdout.once('data', (text) => resolve(JSON.parse(text)));
      this.child.once('exit', (status) => reject(new Error(`verge node start ended with ${status}`)));
    });
    this.address = `127.0.0.1:${started.port}`;
    if (fs.existsSync(this.at('edge'))) return;
    const {token} = this.run('node', 'invite', 'edge', '--dir', this.at('cloud'));
    this.run('node', 'join', `127.0.0.1:${started.join_port}`, token, '--dir', this.at('edge'));
  }
  async stop() {
    if (!this.child || this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }
  device(link, slow, more) {
    return [this.at('edge.gguf'), '--cloud', this.address, '--dir', this.at('edge'), '--link', link, '--slow', String(slow),
            '--threads', '1', ...more];
  }
  /// The rows of `verge node bench` for a case: {link, clients, modes, answers, slow, edgeSlow, more}; a node of its own.
  async bench(c) {
    await this.start(c.link, c.slow);
    try {
      return this.run('node', 'bench', ...this.device(c.link, c.edgeSlow || c.slow, [
        '--prompts', c.prompts, '-n', String(c.tokens), '--clients', String(c.clients), '--modes', c.modes.join(','),
        '--answers', String(c.answers), '--whole', this.options.model, ...(c.more || [])])).rows;
    } finally {
      await this.stop();
    }
  }
  /// One answer of `verge run` in a mode.
  async answer(c) {
    await this.start(c.link, c.slow);
    try {
      return this.run('run', ...this.device(c.link, c.slow, [
        '-p', c.prompt, '-n', String(c.tokens), '--temp', '0', '--ignore-end', '--mode', c.mode, ...(c.more || [])]));
    } finally {
      await this.stop();
    }
  }
  async end() {
    await this.stop();
    fs.rmSync(this.work, {recursive: true});
  }
}

module.exports = {Fleet};
