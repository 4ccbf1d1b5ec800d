/** Where somebody wanted to go before they were asked to log in. */
const kept = 'atalaya.next'

/** Only a path of our own: a foreign address in a link is not followed. */
export function ownPath(wanted: unknown): string {
  return typeof wanted === 'string' && /^\/(?![/\\])/.test(wanted) ? wanted : '/'
}

/** Remembers it in this tab while somebody is away at an identity provider. */
export function keepNext(path: string): void {
  sessionStorage.setItem(kept, path)
}

/** What was remembered, once. */
export function takeNext(): string {
  const path = ownPath(sessionStorage.getItem(kept))
  sessionStorage.removeItem(kept)
  return path
}
