/** A column of a list; `numeric` aligns to the right with tabular figures. */
export interface Column {
  key: string
  label: string
  numeric?: boolean
  /** On a phone its name stands before the value: a date alone does not say which. */
  named?: boolean
}

/** The columns that an address asks for (`cols=name,state`), in the list's own order; the first and unnamed ones always stay. */
export function chosenColumns(columns: readonly Column[], cols: unknown): Column[] {
  if (typeof cols !== 'string' || cols === '') return [...columns]
  const wanted = new Set(cols.split(','))
  return columns.filter((column, index) => index === 0 || !column.label || wanted.has(column.key))
}
