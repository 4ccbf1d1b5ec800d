/**
 * Server-sent events by hand (WHATWG HTML, 9.2.6). `EventSource` hides comments, which carry the
 * heartbeat, and cannot resume a stream that an earlier page had read.
 */
export interface StreamMessage {
  id: string | null
  event: string
  data: string
}

export interface StreamParser {
  /** Feeds decoded text and returns the messages that are complete now. */
  push(chunk: string): StreamMessage[]
}

/** Longest line or message that is kept; a larger one means that this is not our stream. */
const limit = 1_000_000

export function createStreamParser(): StreamParser {
  let rest = ''
  let id: string | null = null
  let event = ''
  let data: string[] = []

  function line(text: string): StreamMessage | null {
    if (text === '') return dispatch()
    if (text.startsWith(':')) return null
    const colon = text.indexOf(':')
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    return null
  }

  function dispatch(): StreamMessage | null {
    const message = data.length ? { id, event: event || 'message', data: data.join('\n') } : null
    id = null
    event = ''
    data = []
    return message
  }

  return {
    push(chunk) {
      rest += chunk
      const messages: StreamMessage[] = []
      // A trailing CR may be the first half of CRLF: it waits for the next chunk.
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const text of lines) {
        const message = line(text)
        if (message) messages.push(message)
      }
      if (rest.length > limit) throw new Error('a line of the event stream is too long')
      return messages
    },
  }
}
