/** Problem documents (RFC 9457) as one error type that pages can show and forms can map to fields. */

export interface FieldProblem {
  /** JSON pointer into the request body, `/amount/amount`. */
  pointer: string
  code: string
  detail: string
}

export interface Problem {
  code: string
  title: string
  status: number
  detail: string
  params: Record<string, unknown>
  request_id: string | null
  errors: FieldProblem[]
}

/** A refused or failed request. `status` 0 means that the server was not reached. */
export class ApiError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.title}`)
    this.name = 'ApiError'
    this.problem = problem
  }

  get code(): string {
    return this.problem.code
  }

  get status(): number {
    return this.problem.status
  }

  /** Whether asking again without a change can help. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 503 || this.status === 502 || this.status === 504
  }
}

/** What went wrong on this side, before or beside the server; `key` names its words. */
export class PageError extends Error {
  readonly key: string

  constructor(key: string) {
    super(key)
    this.name = 'PageError'
    this.key = key
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function fieldProblems(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return []
  return value
    .filter(isRecord)
    .map((item) => ({ pointer: text(item['pointer']), code: text(item['code']), detail: text(item['detail']) }))
}

/** Reads an error body; a body that is no problem document becomes `http_<status>`. */
export function toProblem(status: number, body: unknown, requestId: string | null): Problem {
  const record = isRecord(body) ? body : {}
  const typeTail = text(record['type']).split('/').pop() ?? ''
  return {
    code: text(record['code']) || typeTail || `http_${status}`,
    title: text(record['title']),
    status,
    detail: text(record['detail']),
    params: isRecord(record['params']) ? record['params'] : {},
    request_id: text(record['request_id']) || requestId,
    errors: fieldProblems(record['errors']),
  }
}

/** What was read, or null when nobody is logged in. Other failures are thrown. */
export async function unlessNobody<Data>(read: Promise<Data>): Promise<Data | null> {
  try {
    return await read
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 401) return null
    throw cause
  }
}

/** The server did not answer at all: nothing was saved as far as anybody here knows. */
export function unreachable(): Problem {
  return { code: 'unreachable', title: '', status: 0, detail: '', params: {}, request_id: null, errors: [] }
}

/**
 * Splits field problems into those that a form has a field for and the rest.
 * A pointer belongs to the field that it equals or lies below (`/amount/amount` → `/amount`).
 */
export function mapFieldProblems(
  errors: readonly FieldProblem[],
  fields: readonly string[],
): { byField: Record<string, FieldProblem>; unmapped: FieldProblem[] } {
  const byField: Record<string, FieldProblem> = {}
  const unmapped: FieldProblem[] = []
  for (const error of errors) {
    const path = error.pointer.replace(/^\//, '')
    const field = fields.find((name) => path === name || path.startsWith(`${name}/`))
    if (field && !byField[field]) byField[field] = error
    else if (!field) unmapped.push(error)
  }
  return { byField, unmapped }
}
