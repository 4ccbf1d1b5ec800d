import { readonly, ref, type Ref } from 'vue'

/** One ticker for every age on the page. */
const now = ref(Date.now())
setInterval(() => (now.value = Date.now()), 1000)

/** The current time in milliseconds, once a second. */
export function useNow(): Readonly<Ref<number>> {
  return readonly(now)
}
