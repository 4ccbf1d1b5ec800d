import { onUnmounted, ref, watch } from 'vue'
import { ApiError } from '@/api/problem'
import type { Form } from './useForm'

/** Seconds that the server wants between guesses, counted down; 0 when the next one may be made. */
export function useLockout(form: Form) {
  const lockedFor = ref(0)
  let countdown: ReturnType<typeof setInterval> | undefined

  watch(form.error, (error) => {
    if (!(error instanceof ApiError) || error.code !== 'rate_limited') return
    clearInterval(countdown)
    lockedFor.value = Math.max(1, Number(error.problem.params['retry_after_s']) || 30)
    countdown = setInterval(() => {
      lockedFor.value -= 1
      if (lockedFor.value > 0) return
      clearInterval(countdown)
      form.reset()
    }, 1000)
  })
  onUnmounted(() => clearInterval(countdown))

  return lockedFor
}
