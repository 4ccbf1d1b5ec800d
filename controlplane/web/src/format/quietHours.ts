/** A stretch of the day as the server keeps it, `21:00-08:00`; over midnight when the first time is the later one. */
export interface QuietHours {
  from: string
  until: string
}

const time = /^([01]\d|2[0-3]):[0-5]\d$/

/** Null for none, or for what is no such stretch. */
export function quietHours(text: string): QuietHours | null {
  const [from = '', until = '', ...more] = text.split('-')
  return time.test(from) && time.test(until) && from !== until && !more.length ? { from, until } : null
}
