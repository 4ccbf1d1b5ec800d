import { computed, ref, type Ref } from 'vue'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/vue-query'
import type { KeyPrefix } from '@/api/keys'
import type { Page } from '@/api/types'

/**
 * A list that grows by pages as it is read on, its pages under one name in the cache. `every` says how soon it is read again for
 * what its rows wait for, in milliseconds; false when they wait for nothing. Nothing is read for whoever may not (`enabled`).
 */
export function usePages<Row>(
  queryKey: Ref<KeyPrefix>,
  read: (cursor: string | undefined) => Promise<Page<Row>>,
  every: (rows: Row[]) => number | false = () => false,
  enabled: Ref<boolean> = ref(true),
) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => every(rowsOf(state.data)),
    enabled,
  })
  const rows = computed(() => rowsOf(query.data.value))
  return { query, rows }
}

function rowsOf<Row>(data: { pages: Page<Row>[] } | undefined): Row[] {
  return data?.pages.flatMap((page) => page.items) ?? []
}
