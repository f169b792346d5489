// node embed.mjs DIST OUTPUT: writes every file of DIST into a C++ source, the table that assets.hpp declares.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

function filesBelow(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? filesBelow(join(folder, entry.name), `${prefix}/${entry.name}`)
      : [`${prefix}/${entry.name}`],
  );
}

// Octal escapes of three digits end by themselves, so no byte can join the one before it.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 64) {
    const part = [...bytes.subarray(at, at + 64)].map((byte) => {
      const isPlain = byte >= 0x20 && byte < 0x7f && !'"\\?'.includes(String.fromCharCode(byte));
      return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    });
    lines.push(`    "${part.join('')}"`);
  }
  return lines.length ? lines.join('\n') : '    ""';
}

function describe(dist, file, index) {
  const type = types[extname(file)];
  if (!type) throw new Error(`${file}: no content type is known for it; add it to scripts/embed.mjs`);
  const bytes = readFileSync(join(dist, file));
  const packed = gzipSync(bytes, { level: 9 });
  const gzip = packed.length < bytes.length ? packed : Buffer.alloc(0);
  const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const path = file === '/index.html' ? '/' : file;
  return {
    path,
    size: { file: path, bytes: bytes.length, gzip: gzip.length || bytes.length },
    data:
      `const unsigned char bytes_${index}[] =\n${literal(bytes)};\n` +
      `const unsigned char gzip_${index}[] =\n${literal(gzip)};\n`,
    entry:
      `    {"${path}", "${type}", "\\"${etag}\\"", view(bytes_${index}), view(gzip_${index}), ` +
      `${file.startsWith('/assets/')}},\n`,
  };
}

const [dist, output] = process.argv.slice(2);
const assets = filesBelow(dist).map((file, index) => describe(dist, file, index));
assets.sort((a, b) => (a.path < b.path ? -1 : 1));
writeFileSync(
  output,
  `#include <verge/web/assets.hpp>

namespace verge::web {
namespace {
${assets.map((asset) => asset.data).join('')}
// Less the zero that ends a literal.
template <size_t size>
std::span<const std::byte> view(const unsigned char (&bytes)[size]) {
  return std::as_bytes(std::span(bytes, size - 1));
}
}  // namespace

std::span<const Asset> assets() {
  static const Asset table[] = {
${assets.map((asset) => asset.entry).join('')}  };
  return table;
}
}  // namespace verge::web
`,
);
const total = assets.reduce((sum, { size }) => sum + size.gzip, 0);
for (const { size } of assets) console.log(`${size.file}: ${size.bytes} bytes, ${size.gzip} with gzip`);
console.log(`web interface: ${total} bytes with gzip`);
