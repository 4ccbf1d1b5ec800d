import { nextTick, onMounted } from 'vue'

/** The field where typing begins, once, when the form comes; never when somebody is in a field already. */
export function useFirstFocus(name: () => string): void {
  onMounted(async () => {
    await nextTick()
    if (document.activeElement?.matches('input, textarea, select')) return
    document.querySelector<HTMLElement>(`input[name=${name()}]`)?.focus()
  })
}
