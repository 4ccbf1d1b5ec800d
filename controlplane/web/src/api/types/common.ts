/** What every resource is made of. */

/** Minor units of an ISO 4217 currency. */
export interface Money {
  amount: number
  currency: string
}

export interface Page<Row> {
  items: Row[]
  next_cursor: string | null
}

export interface NamedValue {
  name: string
  value: string
}
