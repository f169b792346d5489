import { defineConfig } from 'vite';

// `npm run dev` serves the sources and sends requests on to a server at VERGE_URL.
const server = process.env.VERGE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    outDir: '../build/web',
    emptyOutDir: true,
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': server, '/verge': server, '/api': server } },
});
