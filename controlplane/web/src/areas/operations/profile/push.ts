/**
 * Notices as a browser shows them (Push API, Notifications API): whether it can here, switching it on and off. What the browser
 * refuses is a `PageError`, which has words.
 */
import { ApiError, PageError } from '@/api/problem'
import { fromBase64url, toBase64url } from '@/areas/session/passkey'

/** Why no notice can be shown in this browser; its words are `push.obstacle.…`. */
export type Obstacle = 'insecure' | 'home_screen' | 'unsupported' | 'denied'

/** Of what that is made: how the page came, what the browser knows, and what its user said of this site. */
export interface Place {
  secure: boolean
  supported: boolean
  /** iOS pushes to apps on the home screen alone. */
  ios: boolean
  permission: NotificationPermission
}

/** What stands in the way there; null when nothing does. */
export function obstacleAt({ secure, supported, ios, permission }: Place): Obstacle | null {
  if (!secure) return 'insecure'
  if (!supported) return ios ? 'home_screen' : 'unsupported'
  return permission === 'denied' ? 'denied' : null
}

const scope = '/'
const worker = '/push-worker.js'

function supported(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
}

/** What stands in the way on this page. */
export function obstacle(): Obstacle | null {
  const permission = 'Notification' in window ? Notification.permission : 'default'
  return obstacleAt({ secure: window.isSecureContext, supported: supported(), ios: /iPhone|iPad/.test(navigator.userAgent), permission })
}

async function existing(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration(scope)
  return (await registration?.pushManager?.getSubscription()) ?? null
}

/** By what the server knows an address: its SHA-256, hexadecimal. */
export async function hashOf(endpoint: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(endpoint))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** This browser as the server knows it; null when it takes nothing. */
export async function thisBrowser(): Promise<string | null> {
  if (!window.isSecureContext || !supported()) return null
  const subscription = await existing()
  return subscription && hashOf(subscription.endpoint)
}

const failure = (meaning: string): PageError => new PageError(`push.error.${meaning}`)

/** What the server needs to reach a browser. */
export interface Reached {
  endpoint: string
  p256dh: string
  auth: string
}

function keyOf(subscription: PushSubscription, name: PushEncryptionKeyName): string {
  const key = subscription.getKey(name)
  if (!key) throw failure('failed')
  return toBase64url(key)
}

/** Asks the person, and has the browser subscribe with the installation's key. */
export async function subscribe(publicKey: string): Promise<Reached> {
  const permission = await Notification.requestPermission()
  if (permission !== 'granted') throw failure(permission === 'denied' ? 'denied' : 'dismissed')
  await navigator.serviceWorker.register(worker, { scope })
  const { pushManager } = await navigator.serviceWorker.ready
  const applicationServerKey = fromBase64url(publicKey)
  const wanted = { userVisibleOnly: true, applicationServerKey }
  // One that another installation at this address subscribed with takes nothing of this one.
  const before = await pushManager.getSubscription()
  const key = before?.options.applicationServerKey
  if (before && !(key && toBase64url(key) === publicKey)) await before.unsubscribe()
  const subscription = await pushManager.subscribe(wanted).catch((cause: unknown) => {
    throw cause instanceof DOMException ? failure(cause.name === 'NotAllowedError' ? 'denied' : 'service') : cause
  })
  return { endpoint: subscription.endpoint, p256dh: keyOf(subscription, 'p256dh'), auth: keyOf(subscription, 'auth') }
}

/** Has the browser forget it, too. */
export async function unsubscribe(): Promise<void> {
  if (!supported()) return
  await (await existing())?.unsubscribe()
  await (await navigator.serviceWorker.getRegistration(scope))?.unregister()
}

/** The server's refusal in words of this page. */
export function inWords(cause: unknown): unknown {
  const known = ['push_off', 'too_many_browsers']
  return cause instanceof ApiError && known.includes(cause.code) ? failure(cause.code) : cause
}
