// `verge serve` for the end-to-end tests: the shipped model, and a slow one of random weights whose answers last long
// enough to be stopped.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts the server; gives its address and a function that ends it. Fails with what the program said. */
export async function startServer(verge, model, folder) {
  const slow = join(folder, 'slow.gguf');
  const built = spawnSync(verge, ['build', 'random', 'smollm-135m', slow, '--recipe', 'Q4_0', '--quiet']);
  if (built.status !== 0) throw new Error(`verge build random: ${built.stderr}`);
  const options = ['--port', '0', '--json', '--log-format', 'none'];
  const server = spawn(verge, ['serve', `shipped=${model}`, `slow=${slow}`, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((resolve, reject) => {
    createInterface(server.stdout).once('line', resolve);
    server.once('exit', (code) => reject(new Error(`verge serve ended with status ${code}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      server.once('exit', resolve);
      server.kill('SIGTERM');
      // A second signal ends it at once.
      setTimeout(() => server.kill('SIGTERM'), 3000).unref();
    });
  return { url: JSON.parse(line).url, stop };
}
