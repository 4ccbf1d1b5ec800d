/** A column of a list; `numeric` aligns to the right with tabular figures. */
export interface Column {
  key: string
  label: string
  numeric?: boolean
  /** On a phone its name stands before the value: a date alone does not say which. */
  named?: boolean
  /** What the server sorts by for it, the way of the first click: `name`, `-due_on`. */
  sort?: string
  /** Sorted this way only: the list does not know the other. */
  oneWay?: boolean
}

const turned = (order: string): string => (order.startsWith('-') ? order.slice(1) : `-${order}`)

/** How the order of the list runs along a column; null when it is another column's. */
export function direction(column: Column, order: string): 'ascending' | 'descending' | null {
  const { sort } = column
  if (!sort || (order !== sort && order !== turned(sort))) return null
  return order.startsWith('-') ? 'descending' : 'ascending'
}

/** The order after a click on a column: its way, then the other, then the list's own again; empty for that. */
export function nextOrder(column: Column, order: string, own: string): string {
  const first = column.sort ?? own
  const shown = order || own
  let next = own
  if (!direction(column, shown)) next = first
  else if (shown === first && !column.oneWay) next = turned(first)
  else if (direction(column, own)) next = first
  return next === own ? '' : next
}

/** The columns that an address asks for (`cols=name,state`), in the list's own order; the first and unnamed ones always stay. */
export function chosenColumns(columns: readonly Column[], cols: unknown): Column[] {
  if (typeof cols !== 'string' || cols === '') return [...columns]
  const wanted = new Set(cols.split(','))
  return columns.filter((column, index) => index === 0 || !column.label || wanted.has(column.key))
}
