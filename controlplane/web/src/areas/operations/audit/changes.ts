export interface Change {
  name: string
  before: string
  after: string
}

/** At most this many fields per row; the whole record is the server's to show. */
const most = 6

/** The record of a side; text that is no JSON object has no fields to compare. */
function record(text: string | null | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function write(value: unknown): string {
  if (value === undefined || value === null) return '–'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Fields that differ between the two sides of an audit row. */
export function changedFields(before: string | null | undefined, after: string | null | undefined): Change[] {
  const [left, right] = [record(before), record(after)]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((name) => JSON.stringify(left[name]) !== JSON.stringify(right[name]))
    .slice(0, most)
    .map((name) => ({ name, before: write(left[name]), after: write(right[name]) }))
}
