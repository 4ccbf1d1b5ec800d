/**
 * Test equipment, never a product: serves `dist` and fictional answers in the shape of the API,
 * with live events, so that every page can be looked at without a server, a router or a network.
 *
 * PORT (default 4173), DOUBLE_EMPTY=1 for a tenant's first day, DOUBLE_SAFE_MODE=1 for the red band.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { id, makeWorld, session } from './double/data.mjs'
import { problem, routes } from './double/routes.mjs'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }

async function sendFile(response, path) {
  const wanted = normalize(path)
  const file = extname(wanted) ? join(dist, wanted) : join(dist, 'index.html')
  let body
  try {
    body = await readFile(file)
  } catch {
    response.writeHead(404).end()
    return
  }
  const headers = { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Cache-Control': 'no-store' }
  if (file.endsWith('index.html')) {
    const nonce = randomBytes(16).toString('base64')
    headers['Content-Security-Policy'] =
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`
    body = Buffer.from(body.toString('utf8').replaceAll('__CSP_NONCE__', nonce))
  }
  response.writeHead(200, headers).end(body)
}

async function readJson(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  return text ? JSON.parse(text) : {}
}

/** Starts a double; `close` ends it and every stream. */
export async function startDouble({ port = 0, full = true, world = makeWorld(full) } = {}) {
  const listeners = new Set()
  const emit = (type, entity, related, payload) => {
    const event = { id: id('evt'), type, occurred_at: new Date().toISOString(), actor: { kind: 'user', id: session.user.id, name: session.user.name }, entity, causation_id: null, payload, related }
    world.events.unshift(event)
    for (const stream of listeners) stream.write(`id: ${event.id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`)
  }
  const table = routes(world, emit).map(([method, path, handle]) => ({
    method,
    pattern: new RegExp(`^/api/v1${path.replace(/:id/g, '(?<id>[^/]+)')}$`),
    handle,
  }))

  function stream(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(': hello\n\n')
    const beat = setInterval(() => response.write(': beat\n\n'), 5000)
    listeners.add(response)
    request.on('close', () => {
      clearInterval(beat)
      listeners.delete(response)
    })
  }

  function answer(response, result, method) {
    const wrapped = result && typeof result.status === 'number' && 'body' in result ? result : { status: 200, body: result }
    const headers = { 'Content-Type': 'application/json', 'X-Request-Id': 'req_double0001' }
    if (wrapped.etag) headers.ETag = wrapped.etag
    response.writeHead(wrapped.status, headers).end(method === 'HEAD' ? '' : JSON.stringify(wrapped.body))
  }

  async function handleSession(request, response) {
    if (request.method === 'DELETE') return response.writeHead(204, { 'Set-Cookie': 'atalaya_session=; Path=/; Max-Age=0' }).end()
    if (request.method === 'POST') {
      const { password } = await readJson(request)
      if (password !== 'demo') return answer(response, problem(401, 'wrong_login'))
      response.setHeader('Set-Cookie', 'atalaya_session=double; Path=/; HttpOnly; SameSite=Lax')
      return answer(response, session)
    }
    const known = request.headers.cookie?.includes('atalaya_session=double')
    return answer(response, known ? session : problem(401, 'unauthenticated'))
  }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url, 'http://double')
      if (!url.pathname.startsWith('/api/')) return sendFile(response, url.pathname)
      if (url.pathname === '/api/v1/session') return handleSession(request, response)
      if (url.pathname === '/api/v1/stream') return stream(request, response)
      for (const { method, pattern, handle } of table) {
        const match = pattern.exec(url.pathname)
        if (match && method === request.method) {
          return answer(response, handle({ id: match.groups?.id, query: url.searchParams, body: await readJson(request) }))
        }
      }
      return answer(response, problem(404, 'not_found'))
    })().catch((cause) => answer(response, problem(500, 'internal', { cause: String(cause) })))
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    world,
    close() {
      for (const open of listeners) open.destroy()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const double = await startDouble({ port: Number(process.env.PORT ?? 4173), full: process.env.DOUBLE_EMPTY !== '1' })
  console.log(`${double.url}  (password: demo)`)
}
