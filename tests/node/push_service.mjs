/**
 * A push service on loopback, with the browsers behind it, that keeps what it is given, and refuses, delays or dies when told to.
 *
 * Usage: push_service.mjs FOLDER. Writes FOLDER/port once it listens; each message that it took, decrypted, as a line of JSON to
 * FOLDER/messages; and asks FOLDER/plan what to do with the next one: its first line is taken away and done. Lines: a status with
 * `Retry-After` behind it where there is one (`429 2`), `hang` (answers nothing until the client goes away), `die` (keeps the
 * message and cuts the connection instead of answering).
 *
 * `POST /browsers` with `{"key": applicationServerKey}` makes a browser that subscribes: its address and keys are the answer.
 * A message is taken as RFC 8030, 8188, 8291 and 8292 say: its token is verified by Node's own cryptography, for this service
 * and with the key that the browser subscribed with; what it says is decrypted by http_ece, which others wrote.
 */
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'

const ece = createRequire(new URL('../../controlplane/web/package.json', import.meta.url))('http_ece')
const folder = process.argv[2]
const browsers = new Map()
let made = 0

function browser(key) {
  const ecdh = crypto.createECDH('prime256v1')
  ecdh.generateKeys()
  const name = `browser-${++made}-${crypto.randomBytes(24).toString('base64url')}`
  browsers.set(name, { key, ecdh, auth: crypto.randomBytes(16).toString('base64url') })
  return { name, p256dh: ecdh.getPublicKey('base64url'), auth: browsers.get(name).auth }
}

/** RFC 8292: claims of the token, when it is for this service and of the key that the browser knows. */
function claims(authorization, origin, known) {
  const [, token, key] = /^vapid t=([\w-]+\.[\w-]+\.[\w-]+), k=([\w-]+)$/.exec(authorization ?? '') ?? []
  if (!token) throw new Error('no token')
  if (key !== known) throw new Error('the key is another than the browser subscribed with')
  const point = Buffer.from(key, 'base64url')
  if (point.length !== 65 || point[0] !== 4) throw new Error('the key is no point')
  const jwk = { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') }
  const [header, payload, signature] = token.split('.')
  const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString())
  const publicKey = crypto.createPublicKey({ key: jwk, format: 'jwk' })
  const right = crypto.verify('sha256', Buffer.from(`${header}.${payload}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  if (!right || part(header).alg !== 'ES256') throw new Error('the signature is wrong')
  const said = part(payload)
  if (said.aud !== origin) throw new Error(`the token is for ${said.aud}`)
  const left = said.exp - Date.now() / 1000
  if (!(left > 0 && left <= 86_400)) throw new Error('the token is too old, or good for too long')
  return said
}

function taken(name, headers, body, origin) {
  const one = browsers.get(name)
  if (headers['content-encoding'] !== 'aes128gcm') throw new Error('another encoding')
  if (!/^\d+$/.test(headers['ttl'] ?? '')) throw new Error('no TTL')
  if (headers['topic'] && !/^[\w-]{1,32}$/.test(headers['topic'])) throw new Error('a wrong topic')
  if (body.length > 4096) throw new Error('too long')
  const { sub } = claims(headers['authorization'], origin, one.key)
  const plain = ece.decrypt(body, { version: 'aes128gcm', privateKey: one.ecdh, authSecret: one.auth })
  return { to: name, ttl: Number(headers['ttl']), urgency: headers['urgency'], topic: headers['topic'], sub, said: JSON.parse(plain.toString()) }
}

function planned() {
  const file = path.join(folder, 'plan')
  const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  const [next = '201', ...rest] = lines
  if (lines.length) fs.writeFileSync(file, rest.join('\n'))
  return next
}

const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    const origin = `http://127.0.0.1:${server.address().port}`
    const say = (status, text, headers = {}) => response.writeHead(status, headers).end(text)
    if (request.url === '/browsers') {
      const { name, ...keys } = browser(JSON.parse(body.toString()).key)
      return say(201, JSON.stringify({ endpoint: `${origin}/push/${name}`, ...keys, name }))
    }
    const name = request.url.replace(/^\/push\//, '')
    if (!browsers.has(name)) return say(404, 'no such browser')
    let message
    try {
      message = taken(name, request.headers, body, origin)
    } catch (error) {
      return say(400, `${error.message}: ${request.url}`)
    }
    const did = planned()
    fs.appendFileSync(path.join(folder, 'messages'), `${JSON.stringify({ ...message, did })}\n`)
    if (did === 'hang') return
    if (did === 'die') return request.socket.destroy()
    const [status, after] = did.split(' ')
    if (status === '410') browsers.delete(name)
    say(Number(status), Number(status) < 300 ? '' : `about ${request.url}`, after ? { 'retry-after': after } : {})
  })
})
server.listen(0, '127.0.0.1', () => {
  fs.writeFileSync(path.join(folder, 'port.new'), String(server.address().port))
  fs.renameSync(path.join(folder, 'port.new'), path.join(folder, 'port'))
})
