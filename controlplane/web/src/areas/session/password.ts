/** What the server takes as a new password, in characters. */
export const passwordLength = { least: 10, most: 128 } as const

/** Key of what is wrong with a new password; empty when nothing is. */
export function passwordFinding(text: string): '' | 'field.required' | 'field.password_short' | 'field.too_long' {
  const length = [...text].length
  if (!length) return 'field.required'
  if (length < passwordLength.least) return 'field.password_short'
  return length > passwordLength.most ? 'field.too_long' : ''
}
