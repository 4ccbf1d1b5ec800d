import { onMounted, onUnmounted, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useKeys } from '@/composables/useKeys'
import { useLastList } from '@/stores/lastList'
import { useUi } from '@/stores/ui'

/** `g` then a letter goes to a page. */
const jumps: Record<string, string> = {
  h: 'home',
  c: 'customers',
  i: 'invoices',
  p: 'payments',
  n: 'sites',
  d: 'devices',
  a: 'agents',
  e: 'events',
}
/** Time in which the letter must follow its `g`, milliseconds. */
const patience = 1000

/** Clicks the first control that a page offers for it; true when there is one. */
function press(selector: string): boolean {
  const control = document.querySelector<HTMLElement>(`main ${selector}`)
  control?.click()
  return control !== null
}

function focus(selector: string): boolean {
  const control = document.querySelector<HTMLElement>(`main ${selector}`)
  control?.focus()
  return control !== null
}

/** Keys that work on every page; those of a list or a record stand there. */
export function useShellKeys(palette: Ref<boolean>, help: Ref<boolean>): void {
  const route = useRoute()
  const router = useRouter()
  const ui = useUi()
  const lastList = useLastList()
  let leader = 0

  /** The record before or after this one in the list that it was opened from. */
  function neighbour(by: number): boolean {
    const id = lastList.neighbour(String(route.name), String(route.params['id'] ?? ''), by)
    if (!id) return false
    void router.push({ name: route.name ?? 'home', params: { id } })
    return true
  }

  useKeys((event) => {
    const target = Date.now() - leader < patience ? jumps[event.key] : undefined
    leader = event.key === 'g' ? Date.now() : 0
    if (target) {
      void router.push({ name: target })
      return true
    }
    switch (event.key) {
      case 't':
        ui.absoluteTimes = !ui.absoluteTimes
        return true
      case '?':
        help.value = true
        return true
      case '[':
        return neighbour(-1)
      case ']':
        return neighbour(1)
      case '.':
        return focus('.page-head__actions .v-btn:not([disabled])')
      case 'f':
        return focus('.filters .filter-select select')
      case 'e':
        return press('.page-head__actions [data-action=edit]:not([disabled])')
      case 'c':
        return press('.page-head__actions [data-action=pay]:not([disabled])')
      default:
        return false
    }
  })

  function onPaletteKey(event: KeyboardEvent): void {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
    event.preventDefault()
    palette.value = !palette.value
  }
  onMounted(() => window.addEventListener('keydown', onPaletteKey))
  onUnmounted(() => window.removeEventListener('keydown', onPaletteKey))
}
