/** Keeps one event stream open: resumes by `Last-Event-ID`, retries for as long as the page lives. */
import { createStreamParser } from './parser'
import { retryDelay, silenceLimit } from './liveness'
import type { Event } from '../types'

export interface StreamHandlers {
  onEvent(event: Event): void
  /** Bytes came, a heartbeat included. */
  onHeard(at: number): void
  /** `resumed` is true from the second successful connection on. */
  onOpen(resumed: boolean): void
  onLost(): void
  onSessionEnded(): void
}

export interface StreamConnection {
  stop(): void
  /** Tries at once: the tab came back, or the network did. */
  hurry(): void
}

export function openStream(url: string, handlers: StreamHandlers): StreamConnection {
  const stopped = new AbortController()
  let attempt = 0
  let opened = false
  let lastEventId: string | null = null
  let wake: () => void = () => {}

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      const outcome = await readOnce()
      if (stopped.signal.aborted) return
      if (outcome === 'unauthorized') return handlers.onSessionEnded()
      handlers.onLost()
      await pause(retryDelay(attempt, Math.random()))
      attempt += 1
    }
  }

  async function readOnce(): Promise<'unauthorized' | 'lost'> {
    const attemptAbort = new AbortController()
    const abort = () => attemptAbort.abort()
    stopped.signal.addEventListener('abort', abort)
    let silence = setTimeout(abort, silenceLimit)
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (lastEventId) headers['Last-Event-ID'] = lastEventId
      const response = await fetch(url, { headers, cache: 'no-store', signal: attemptAbort.signal })
      if (response.status === 401) return 'unauthorized'
      if (!response.ok || !response.body) return 'lost'
      attempt = 0
      handlers.onOpen(opened)
      opened = true
      const parser = createStreamParser()
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return 'lost'
        clearTimeout(silence)
        silence = setTimeout(abort, silenceLimit)
        handlers.onHeard(Date.now())
        for (const message of parser.push(value)) {
          if (message.id) lastEventId = message.id
          const event = readEvent(message.event, message.data)
          if (event) handlers.onEvent(event)
        }
      }
    } catch {
      // Refused, reset or silent for too long: all the same to a page, the loop tries again.
      return 'lost'
    } finally {
      clearTimeout(silence)
      stopped.signal.removeEventListener('abort', abort)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  void run()
  return {
    stop() {
      stopped.abort()
      wake()
    },
    hurry: () => wake(),
  }
}

/** A message that is no event is passed over: a newer server may send kinds that we do not know. */
export function readEvent(type: string, data: string): Event | null {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const raw = value as Partial<Event>
  return {
    id: raw.id ?? '',
    type: raw.type ?? type,
    occurred_at: raw.occurred_at ?? '',
    version: raw.version ?? 1,
    actor: raw.actor ?? { kind: '', id: '', name: '' },
    entity: raw.entity ?? { kind: '', id: '' },
    causation_id: raw.causation_id ?? null,
    payload: raw.payload ?? {},
    related: raw.related ?? {},
  }
}
