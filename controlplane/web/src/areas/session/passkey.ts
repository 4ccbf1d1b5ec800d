/**
 * Passkeys as the browser has them (W3C Web Authentication): whether it can have any here, making one, showing one. Options
 * of the server come in, what goes back to it comes out; a refusal of the browser is a `PageError`, which has words.
 */
import { ApiError, PageError } from '@/api/problem'
import type { AssertionOptions, Credential, PasskeyAnswer, RegistrationOptions } from '@/api/types'

/** Why there can be no passkey on this page; its words are `passkey.obstacle.…`. */
export type Obstacle = 'insecure' | 'address' | 'unsupported'

/** Of what a passkey's place is made: how the page came, under which name, and what the browser knows. */
export interface Place {
  secure: boolean
  hostname: string
  supported: boolean
}

/** What stands in the way there; null when nothing does. A passkey is of a host name, never of an address. */
export function obstacleAt({ secure, hostname, supported }: Place): Obstacle | null {
  if (/^[\d.]+$|^\[/.test(hostname)) return 'address'
  if (!secure) return 'insecure'
  return supported ? null : 'unsupported'
}

/** What stands in the way on this page. */
export function obstacle(): Obstacle | null {
  return obstacleAt({ secure: window.isSecureContext, hostname: location.hostname, supported: 'PublicKeyCredential' in window })
}

export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0))
}

export function toBase64url(bytes: ArrayBuffer): string {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join('')
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

/**
 * What a browser's refusal means to a person. It does not tell a cancelled question from one that took too long, or from a
 * machine that has nothing to show: pages are to learn nothing of that.
 */
const meanings: Record<string, string> = {
  NotAllowedError: 'not_confirmed',
  InvalidStateError: 'known',
  SecurityError: 'place',
  NotSupportedError: 'unable',
  ConstraintError: 'unable',
}

const failure = (meaning: string): PageError => new PageError(`passkey.error.${meaning}`)

/** What a refusal of the browser says to a person; what is none of the browser's stays as it is. */
export function inWords(cause: unknown): unknown {
  return cause instanceof DOMException && cause.name !== 'AbortError' ? failure(meanings[cause.name] ?? 'failed') : cause
}

async function asked(question: Promise<unknown>): Promise<PublicKeyCredential> {
  const credential = await question.catch((cause: unknown) => {
    throw inWords(cause)
  })
  if (credential instanceof PublicKeyCredential) return credential
  throw failure('failed')
}

/** The server's answer to a passkey: of one that shows nobody it says no more than of a wrong password, the page does. */
export async function judged<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (cause) {
    throw cause instanceof ApiError && cause.code === 'wrong_login' ? failure('wrong') : cause
  }
}

function known(list: RegistrationOptions['excludeCredentials']): PublicKeyCredentialDescriptor[] {
  return list.map(({ id }) => ({ type: 'public-key', id: fromBase64url(id) }))
}

/** Has the browser make a passkey. */
export async function makePasskey(options: RegistrationOptions): Promise<Credential> {
  const { challenge, user, excludeCredentials } = options
  const publicKey = {
    ...options,
    challenge: fromBase64url(challenge),
    user: { ...user, id: fromBase64url(user.id) },
    excludeCredentials: known(excludeCredentials),
  } as PublicKeyCredentialCreationOptions
  const made = await asked(navigator.credentials.create({ publicKey }))
  const response = made.response as AuthenticatorAttestationResponse
  return {
    rawId: toBase64url(made.rawId),
    response: { clientDataJSON: toBase64url(response.clientDataJSON), attestationObject: toBase64url(response.attestationObject) },
  }
}

/** Has the browser show one; with `inField` it asks nobody and offers them where the e-mail is typed, until aborted. */
export async function showPasskey(options: AssertionOptions, inField?: AbortSignal): Promise<PasskeyAnswer> {
  const { challenge, allowCredentials } = options
  const publicKey = { ...options, challenge: fromBase64url(challenge), allowCredentials: known(allowCredentials) } as PublicKeyCredentialRequestOptions
  const shown = await asked(navigator.credentials.get({ publicKey, ...(inField ? { mediation: 'conditional' as const, signal: inField } : {}) }))
  const response = shown.response as AuthenticatorAssertionResponse
  return {
    rawId: toBase64url(shown.rawId),
    response: {
      clientDataJSON: toBase64url(response.clientDataJSON),
      authenticatorData: toBase64url(response.authenticatorData),
      signature: toBase64url(response.signature),
      userHandle: response.userHandle && toBase64url(response.userHandle),
    },
  }
}
