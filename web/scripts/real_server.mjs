// Processes for the end-to-end tests. `verge serve`: the shipped model, and a slow one of random weights whose answers
// last long enough to be stopped. `verge node start`: the shipped model for devices.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts the server; gives its address and a function that ends it. Fails with what the program said. */
export async function startServer(verge, model, folder) {
  const slow = join(folder, 'slow.gguf');
  const built = spawnSync(verge, ['build', 'random', 'smollm-135m', slow, '--recipe', 'Q4_0', '--quiet']);
  if (built.status !== 0) throw new Error(`verge build random: ${built.stderr}`);
  const options = ['--port', '0', '--json', '--log-format', 'none'];
  const { said, stop } = await run(verge, ['serve', `shipped=${model}`, `slow=${slow}`, ...options]);
  return { url: said.url, stop };
}

/** The same with a node, and its page's address. */
export async function startNode(verge, model, folder) {
  const home = ['--dir', join(folder, 'node')];
  const made = spawnSync(verge, ['node', 'init', 'home', '--fleet', 'lab', ...home]);
  if (made.status !== 0) throw new Error(`verge node init: ${made.stderr}`);
  const ports = ['--host', '127.0.0.1', '--port', '0', '--join-port', '0', '--metrics-port', '0'];
  const options = ['--collab', model, '--no-measure', '--json'];
  const { said, stop } = await run(verge, ['node', 'start', ...home, ...ports, ...options]);
  return { url: `http://127.0.0.1:${said.metrics_port}`, stop };
}

/** A process that says in its first line where it is. */
async function run(verge, words) {
  const server = spawn(verge, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    createInterface(server.stdout).once('line', resolve);
    server.once('exit', (code) => reject(new Error(`verge ${words[0]} ended with status ${code}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      server.once('exit', resolve);
      server.kill('SIGTERM');
      // A second signal ends it at once.
      setTimeout(() => server.kill('SIGTERM'), 3000).unref();
    });
  return { said: JSON.parse(line), stop };
}
