import { onMounted, onUnmounted } from 'vue'
import { useUi } from '@/stores/ui'

/** Whether a key belongs to a field, a dialog or an open menu rather than to the page. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], [role=dialog], [role=listbox]') !== null
}

/**
 * Single keys of a page, while it is shown: off inside fields, and for a person who switched them off. `handle`
 * returns true when the key was its own, so that the browser does nothing else with it.
 */
export function useKeys(handle: (event: KeyboardEvent) => boolean): void {
  const ui = useUi()

  function onKey(event: KeyboardEvent): void {
    if (!ui.shortcuts || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (typing(event.target)) return
    if (handle(event)) event.preventDefault()
  }
  onMounted(() => window.addEventListener('keydown', onKey))
  onUnmounted(() => window.removeEventListener('keydown', onKey))
}
