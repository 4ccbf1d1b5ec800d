/** The cache of what the server said. Live events patch or refresh it; pages only read it. */
import { QueryClient } from '@tanstack/vue-query'
import { ApiError } from './problem'

/**
 * How often pages of measured values ask again, milliseconds. Facts come by the event stream at
 * once; a figure such as "last seen" or a backlog is no fact and has no event.
 */
export const measuredEvery = 10_000

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // A refusal is an answer; only a server that is away is worth asking again.
      retry: (failures, error) => failures < 3 && error instanceof ApiError && error.retryable,
      retryDelay: (attempt) => Math.min(1000 * 2 ** attempt, 5000),
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})
