/** What was opened from the palette last, of this tab only: names of people are not kept in the browser's storage. */
import { ref } from 'vue'
import { defineStore } from 'pinia'
import type { RouteLocationRaw } from 'vue-router'

export interface Recent {
  id: string
  title: string
  note: string
  to: RouteLocationRaw
}

const most = 8

export const useRecents = defineStore('recents', () => {
  const entries = ref<Recent[]>([])

  function remember(entry: Recent): void {
    const { id, title, note, to } = entry
    entries.value = [{ id, title, note, to }, ...entries.value.filter((one) => one.id !== id)].slice(0, most)
  }

  return { entries, remember }
})
