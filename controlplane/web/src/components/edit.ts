/** A field of an edit form; every value is text until it is sent. */
export interface EditField {
  name: string
  label: string
  help?: string
  required?: boolean
  /** A choice instead of free text. */
  options?: { value: string; title: string }[]
  /** Several choices, separated by commas in the text. */
  multiple?: boolean
  long?: boolean
  mono?: boolean
  secret?: boolean
  inputmode?: 'decimal' | 'numeric' | 'tel' | 'email'
  placeholder?: string
}
