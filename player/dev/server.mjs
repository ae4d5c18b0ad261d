/**
 * For development only: invented answers of the API and the built player, under the policy and sub-path the real server uses.
 *
 *     node dev/server.mjs [WEB_DIR] [PORT] [BASE]      e.g. node dev/server.mjs ../src/segue/serve/web 4600 /music
 *
 * `npm run dev` with SEGUE_SERVER=http://127.0.0.1:4600 uses it too. TRACKS=100000 sets how long the track list is.
 */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { answer } from './fixtures.mjs'

const [web = '../src/segue/serve/web', port = '4600', base = ''] = process.argv.slice(2)
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'self'"

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (!url.pathname.startsWith(`${base}/`)) return response.writeHead(404).end()
  const path = url.pathname.slice(base.length)
  if (path.startsWith('/api/')) {
    let body = ''
    for await (const chunk of request) body += chunk
    const result = answer(request.method, path.slice(5), url.searchParams, body ? JSON.parse(body) : null, request.headers)
    await new Promise((done) => setTimeout(done, 40))
    response.writeHead(result.status ?? 200, { 'Content-Type': 'application/json', ...result.headers })
    return response.end(result.raw ?? (result.body === undefined ? '' : JSON.stringify(result.body)))
  }
  const file = join(web, normalize(path))
  response.setHeader('Content-Security-Policy', policy)
  if (path !== '/' && existsSync(file) && statSync(file).isFile()) {
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
    return createReadStream(file).pipe(response)
  }
  response.writeHead(200, { 'Content-Type': types['.html'] })
  response.end(readFileSync(join(web, 'index.html'), 'utf8').replace('<base href="/">', `<base href="${base}/">`))
}).listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${port}${base}/`))
