// node test.mjs unit|e2e: bundles the tests of tests/unit or tests/e2e and runs them with Node's own test runner.
// The latter run against the server at VERGE_URL; or one that VERGE_BINARY starts with VERGE_MODEL; or recorded answers.
// Exit status 77 says that the end-to-end tests were left out, and the line before it says why.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { startNode, startServer } from './real_server.mjs';

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const kind = process.argv[2] === 'e2e' ? 'e2e' : 'unit';
const chromium = process.env.VERGE_CHROMIUM ?? '/usr/bin/chromium';
if (kind === 'e2e' && !existsSync(chromium)) {
  console.log(`skipped: there is no ${chromium}; install the package chromium or set VERGE_CHROMIUM`);
  process.exit(77);
}

// Inside node_modules, so that the bundles find the packages they leave out.
const cache = join(web, 'node_modules', '.verge-tests');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, `${kind}-`));
let status = 1;
let server = null;
let node = null;
try {
  const { VERGE_BINARY: verge, VERGE_MODEL: model } = process.env;
  if (kind === 'e2e' && verge && model && !process.env.VERGE_URL) {
    server = await startServer(verge, model, folder);
    node = await startNode(verge, model, folder);
  }
  const tests = readdirSync(join(web, 'tests', kind)).filter((name) => name.endsWith('.test.ts'));
  await build({
    entryPoints: tests.map((name) => join(web, 'tests', kind, name)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const files = readdirSync(folder).filter((name) => name.endsWith('.mjs')).map((name) => join(folder, name));
  const options = ['--enable-source-maps', '--test'];
  const environment = { ...process.env, VERGE_WEB_FOLDER: web, VERGE_CHROMIUM: chromium };
  if (server) Object.assign(environment, { VERGE_URL: server.url, VERGE_SLOW_MODEL: 'slow' });
  if (node) environment.VERGE_NODE_URL = node.url;
  const runner = spawn(process.execPath, [...options, ...files], { stdio: 'inherit', env: environment });
  status = await new Promise((resolve) => runner.once('exit', (code) => resolve(code ?? 1)));
} finally {
  await server?.stop();
  await node?.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);
