import { computed, type Ref } from 'vue'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/vue-query'
import type { KeyPrefix } from '@/api/keys'
import type { Page } from '@/api/types'

/** A list that grows by pages as it is read on, its pages under one name in the cache. */
export function usePages<Row>(queryKey: Ref<KeyPrefix>, read: (cursor: string | undefined) => Promise<Page<Row>>) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  const rows = computed(() => query.data.value?.pages.flatMap((page) => page.items) ?? [])
  return { query, rows }
}
