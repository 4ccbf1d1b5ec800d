/**
 * The one way to the server: cookies for the session, a CSRF header on everything that changes
 * something, an idempotency key where a repeat would hurt, and every failure as an `ApiError`.
 */
import { ApiError, toProblem, unreachable } from './problem'

export type Query = Record<string, string | number | boolean | null | undefined>

export interface CallOptions {
  query?: Query
  body?: unknown
  /** Bytes in place of a body. */
  file?: Blob
  /** The answer is bytes: `data` is a `Blob`. */
  bytes?: boolean
  /** Version that a PATCH was made from; the server refuses when somebody was faster (412). */
  ifMatch?: string | null
  idempotencyKey?: string
  signal?: AbortSignal
}

export interface Answer<Data> {
  data: Data
  etag: string | null
  requestId: string | null
}

const base = '/api/v1'

/** Two log-ins may stand beside each other in one browser: somebody of an ISP, and an operator of the installation. */
export type Realm = 'tenant' | 'platform'

interface LogIn {
  csrfToken: string
  sessionEnded: () => void
  proveAgain: () => Promise<boolean>
}

const nobody = (): LogIn => ({ csrfToken: '', sessionEnded: () => {}, proveAgain: () => Promise.resolve(false) })
const logIns: Record<Realm, LogIn> = { tenant: nobody(), platform: nobody() }

/** As whom a path is asked. */
function logInOf(path: string): LogIn {
  return logIns[path.startsWith('/platform/') ? 'platform' : 'tenant']
}

/** Set after log-in; forgotten at log-out. */
export function setCsrfToken(token: string, realm: Realm = 'tenant'): void {
  logIns[realm].csrfToken = token
}

/** What to do when the server no longer knows our session. */
export function onSessionEnded(handler: () => void, realm: Realm = 'tenant'): void {
  logIns[realm].sessionEnded = handler
}

/** How a person shows again who they are, for a dangerous operation; false when they do not want to. */
export function onStepUp(handler: () => Promise<boolean>, realm: Realm = 'tenant'): void {
  logIns[realm].proveAgain = handler
}

/** Path with the query's defined, non-empty values, in the given order. */
export function pathWithQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.append(key, String(value))
  }
  const tail = search.toString()
  return tail ? `${base}${path}?${tail}` : base + path
}

/** 128 random bits; `crypto.randomUUID` is missing on plain-http hosts of a local network. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What goes with every request: who asks, from which version, and by which key. */
export function headersOf(method: string, path: string, options: CallOptions): Headers {
  const headers = new Headers({ Accept: 'application/json' })
  if (options.body !== undefined) headers.set('Content-Type', 'application/json')
  if (options.file) headers.set('Content-Type', 'application/octet-stream')
  const { csrfToken } = logInOf(path)
  if (method !== 'GET' && csrfToken) headers.set('X-CSRF-Token', csrfToken)
  if (options.ifMatch) headers.set('If-Match', options.ifMatch)
  if (options.idempotencyKey) headers.set('Idempotency-Key', options.idempotencyKey)
  return headers
}

/** The error of an answer that is no success; when the server no longer knows our session, that is told too. */
export function failed(path: string, status: number, body: unknown, requestId: string | null): ApiError {
  const error = new ApiError(toProblem(status, body, requestId))
  if (status === 401 && error.code !== 'wrong_login') logInOf(path).sessionEnded()
  return error
}

async function send(method: string, path: string, options: CallOptions): Promise<Response> {
  const headers = headersOf(method, path, options)
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' }
  if (options.body !== undefined) init.body = JSON.stringify(options.body)
  if (options.file) init.body = options.file
  if (options.signal) init.signal = options.signal
  try {
    return await fetch(pathWithQuery(path, options.query), init)
  } catch (cause) {
    if (options.signal?.aborted) throw cause
    throw new ApiError(unreachable())
  }
}

/** An answer's text as JSON. */
export function parsed(text: string): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's HTML page: the status alone says what happened.
    return undefined
  }
}

/**
 * One request. Throws `ApiError`; a 401 that is not about a wrong password or code also ends the session. A dangerous operation asks the person
 * to show again who they are, and is then sent once more.
 */
export async function call<Data>(method: string, path: string, options: CallOptions = {}): Promise<Answer<Data>> {
  try {
    return await once<Data>(method, path, options)
  } catch (cause) {
    const asked = cause instanceof ApiError && cause.code === 'step_up_required'
    if (!asked || !(await logInOf(path).proveAgain())) throw cause
    return once<Data>(method, path, options)
  }
}

async function once<Data>(method: string, path: string, options: CallOptions): Promise<Answer<Data>> {
  const response = await send(method, path, options)
  const requestId = response.headers.get('X-Request-Id')
  const body = response.ok && options.bytes ? await whole(response) : parsed(await response.text())
  if (!response.ok) throw failed(path, response.status, body, requestId)
  return { data: body as Data, etag: response.headers.get('ETag'), requestId }
}

/** All bytes of an answer, or none: large ones are long enough on their way to be broken off. */
function whole(response: Response): Promise<Blob> {
  return response.blob().catch(() => {
    throw new ApiError(unreachable())
  })
}

/** GET without the headers, for most readers. */
export async function get<Data>(path: string, query?: Query, signal?: AbortSignal): Promise<Data> {
  const options: CallOptions = {}
  if (query) options.query = query
  if (signal) options.signal = signal
  return (await call<Data>('GET', path, options)).data
}

/** POST of a body; pass an idempotency key for everything with an effect. */
export async function post<Data>(path: string, body: unknown = {}, idempotencyKey?: string): Promise<Data> {
  const options: CallOptions = { body }
  if (idempotencyKey) options.idempotencyKey = idempotencyKey
  return (await call<Data>('POST', path, options)).data
}

/** PUT: what there is becomes what is sent. */
export async function put<Data>(path: string, body: unknown, ifMatch: string | null = null): Promise<Data> {
  return (await call<Data>('PUT', path, { body, ifMatch })).data
}

/** PATCH from a known version. */
export async function patch<Data>(path: string, body: unknown, ifMatch: string | null): Promise<Data> {
  return (await call<Data>('PATCH', path, { body, ifMatch })).data
}
