/** Shapes of `/api/v1`. Times are RFC 3339 UTC, dates `YYYY-MM-DD`, speeds bits per second. */
export * from './activity'
export * from './common'
export * from './customers'
export * from './money'
export * from './network'
export * from './session'
