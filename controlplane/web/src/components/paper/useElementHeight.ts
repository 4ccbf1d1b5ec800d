import { onUnmounted, readonly, ref, watch, type Ref } from 'vue'

/** Height of an element as it is laid out, pixels; 0 until it is there. */
export function useElementHeight(element: Ref<HTMLElement | null>): Readonly<Ref<number>> {
  const height = ref(0)
  const observer = new ResizeObserver(([entry]) => {
    height.value = entry?.borderBoxSize[0]?.blockSize ?? height.value
  })
  watch(element, (next, before) => {
    if (before) observer.unobserve(before)
    if (next) observer.observe(next)
  })
  onUnmounted(() => observer.disconnect())
  return readonly(height)
}
