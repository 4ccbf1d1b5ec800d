/** A column of a list; `numeric` aligns to the right with tabular figures. */
export interface Column {
  key: string
  label: string
  numeric?: boolean
}
