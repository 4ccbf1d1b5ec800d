import { nextTick } from 'vue'

/** Prints the page once what was just chosen is laid out. */
export function usePrint(): () => Promise<void> {
  return async () => {
    await nextTick()
    window.print()
  }
}
