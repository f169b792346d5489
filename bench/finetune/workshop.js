'use strict';
// A folder to work in, and verge's answers as JSON.
const {execFile, execFileSync} = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const answer = (text) => JSON.parse(text.toString().trim().split('\n').pop());

class Workshop {
  constructor(verge, jobs = 1) {
    Object.assign(this, {verge, jobs, running: 0, waiting: []});
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verge-finetune-'));
    // What is measured here is not for the user's own commands.
    this.options = {maxBuffer: 1 << 28, env: {...process.env, XDG_CACHE_HOME: this.at('cache')}};
  }
  at(name) {
    return path.join(this.folder, name);
  }
  write(name, content) {
    fs.mkdirSync(path.dirname(this.at(name)), {recursive: true});
    fs.writeFileSync(this.at(name), content);
    return this.at(name);
  }
  run(...words) {
    const text = execFileSync(this.verge, [...words, '--json', '--quiet'], {...this.options, stdio: ['ignore', 'pipe', 'inherit']});
    return answer(text);
  }
  /// The same beside others, so many at a time; a promise.
  async start(...words) {
    while (this.running >= this.jobs) await new Promise((free) => this.waiting.push(free));
    ++this.running;
    try {
      return await new Promise((done, failed) => {
        execFile(this.verge, [...words, '--json', '--quiet'], this.options, (error, text) => error ? failed(error) : done(answer(text)));
      });
    } finally {
      --this.running;
      this.waiting.shift()?.();
    }
  }
  close() {
    fs.rmSync(this.folder, {recursive: true, force: true});
  }
}

module.exports = {Workshop};
