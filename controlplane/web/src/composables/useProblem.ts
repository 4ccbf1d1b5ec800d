import { useI18n } from 'vue-i18n'
import { ApiError, PageError } from '@/api/problem'

export interface ProblemText {
  text: string
  requestId: string | null
}

/** Turns any failure into a sentence of the page's language: what happened and what to do. */
export function useProblem() {
  const { t, te } = useI18n()

  function describe(error: unknown): ProblemText {
    if (error instanceof PageError) return { text: t(error.key), requestId: null }
    if (!(error instanceof ApiError)) return { text: t('problem.page'), requestId: null }
    const { code, params, title, detail, status, request_id: requestId } = error.problem
    // What is wrong with the body as a whole has no name.
    const fields = error.problem.errors.map((one) => [one.pointer.replace(/^\//, ''), describeField(one)].filter(Boolean).join(': '))
    const named = { ...params, status, fields: fields.join(' · ') }
    const key = `problem.${code}`
    if (te(key)) return { text: t(key, named), requestId }
    // A code that this page is too old to know: the server's own words, named as such.
    return { text: t('problem.other', { what: detail || title || code }), requestId }
  }

  /** A field's message by its code, else the server's detail. */
  function describeField(problem: { code: string; detail: string }): string {
    const key = `field.${problem.code}`
    return te(key) ? t(key) : problem.detail || problem.code
  }

  return { describe, describeField }
}
