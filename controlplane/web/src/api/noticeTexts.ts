/** What notices say: our words, and the ISP's own. Apart from `endpoints.ts`: one page of the settings needs them. */
import { call, get, post, put } from './client'
import type * as T from './types'

const of = (template: T.TemplateName, language: string) => `/notice-templates/${template}/${language}`

export const noticeTexts = {
  list: () => get<T.NoticeTemplates>('/notice-templates'),
  set: (template: T.TemplateName, language: string, body: T.NoticeTextChange) => put<T.NoticeText>(of(template, language), body),
  remove: (template: T.TemplateName, language: string) => call<T.NoticeText>('DELETE', of(template, language)),
  preview: (template: T.TemplateName, language: string, body: T.NoticeWords) => post<T.NoticePreview>(`${of(template, language)}/preview`, body),
}

/** Names in the cache. */
export const noticeTextKeys = {
  all: ['notice-texts'] as const,
  preview: (template: string, language: string, words: { subject: string; text: string }) => ['notice-preview', template, language, words.subject, words.text] as const,
}
