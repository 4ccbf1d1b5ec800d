/** Kinds of paper, and what the printer is told of them. */
import { computed, onUnmounted, watchEffect, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useElementHeight } from './useElementHeight'
import { papers, useUi, type Paper } from '@/stores/ui'

/** Width of a roll, and what is left empty at each side, millimetres. */
const rolls = { roll80: { width: 80, side: 4 }, roll58: { width: 58, side: 5 } } as const
/** Empty paper above and below, so that the cutter misses the text, millimetres. */
const feed = 8
/** Rolls are shown in letters that can be read on a screen and printed at three quarters of that. */
const printed = 0.75
const pixelsPerMillimetre = 96 / 25.4

/**
 * The page box that a document asks the printer for. A sheet has its own height; a roll is as long as what stands on
 * it, so that it is one page.
 */
export function pageBox(paper: Paper, screenHeight: number): string {
  if (paper === 'a4') return '@page { size: A4; margin: 18mm }'
  const { width, side } = rolls[paper]
  // A millimetre more than measured: what does not fit by a rounding would begin a second page.
  const length = Math.ceil((screenHeight * printed) / pixelsPerMillimetre) + 2 * feed + 1
  return `@page { size: ${width}mm ${length}mm; margin: ${feed}mm ${side}mm }`
}

/** Tells the printer how large the page is, for as long as the document is shown. */
export function usePageSize(sheet: Ref<HTMLElement | null>, paper: () => Paper): void {
  const height = useElementHeight(sheet)
  // A constructed sheet: a style element would need the nonce of the content security policy.
  const rules = new CSSStyleSheet()
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, rules]
  watchEffect(() => rules.replaceSync(pageBox(paper(), height.value)))
  onUnmounted(() => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== rules)
  })
}

/** The paper that the address names, else the one that was last chosen at this browser. */
export function usePaper() {
  const route = useRoute()
  const router = useRouter()
  const ui = useUi()
  return computed<Paper>({
    get: () => papers.find((one) => one === route.query['paper']) ?? ui.paper,
    set: (next) => {
      ui.paper = next
      void router.replace({ query: { ...route.query, paper: next } })
    },
  })
}
