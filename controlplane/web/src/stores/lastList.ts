/** The rows of the list that was looked at last, so that a record's page can go to the next one. */
import { ref } from 'vue'
import { defineStore } from 'pinia'

export const useLastList = defineStore('lastList', () => {
  /** Route name of the rows' own pages, and their ids in the order shown. */
  const page = ref('')
  const ids = ref<string[]>([])

  function remember(route: string, rows: readonly string[]): void {
    page.value = route
    ids.value = [...rows]
  }

  function neighbour(route: string, id: string, by: number): string | null {
    const at = route === page.value ? ids.value.indexOf(id) : -1
    return at < 0 ? null : (ids.value[at + by] ?? null)
  }

  return { remember, neighbour }
})
