'use strict';
// A folder to work in, and verge's answers as JSON.
const {execFileSync} = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

class Workshop {
  constructor(verge) {
    this.verge = verge;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verge-finetune-'));
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
    const text = execFileSync(this.verge, [...words, '--json', '--quiet'], {maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit']});
    return JSON.parse(text.toString().trim().split('\n').pop());
  }
  /// Names of the layers that have a bias and of those that have channels, in order, without the head.
  weights(model) {
    if (model.endsWith('.gguf')) {
      const names = this.run('inspect', model).tensors.map((tensor) => tensor.name);
      const products = names.filter((name) => /^blk\..*\.(attn_[qkv]|attn_output|ffn_(gate|up|down))\.weight$/.test(name));
      return {products, biases: []};
    }
    const names = this.run('inspect', model).tensors.map((tensor) => tensor.name);
    const products = names.filter((name) => name.endsWith('.conv.weight')).sort();
    return {products, biases: products};
  }
  close() {
    fs.rmSync(this.folder, {recursive: true, force: true});
  }
}

module.exports = {Workshop};
