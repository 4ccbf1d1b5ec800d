/** Busy, refused, accepted: the life of a form that is sent to the server. */
import { computed, ref, type InjectionKey } from 'vue'
import { ApiError, mapFieldProblems } from '@/api/problem'
import { useProblem } from './useProblem'

export type Form = ReturnType<typeof useForm>

/** The form that fields belong to: who shows them provides it. */
export const formKey: InjectionKey<Form> = Symbol('form')

export function useForm(fields: readonly string[]) {
  const { describeField } = useProblem()
  const busy = ref(false)
  const error = ref<unknown>(null)
  /** Messages of our own checks, by field; they replace the help text. */
  const local = ref<Record<string, string>>({})

  const mapped = computed(() =>
    mapFieldProblems(error.value instanceof ApiError ? error.value.problem.errors : [], fields),
  )

  function fieldError(name: string): string {
    const own = local.value[name]
    if (own) return own
    const problem = mapped.value.byField[name]
    return problem ? describeField(problem) : ''
  }

  /** What belongs into the band on top: a refusal that no field explains. */
  const bandError = computed(() => {
    if (!error.value) return null
    const hasFields = Object.keys(mapped.value.byField).length > 0
    return hasFields && mapped.value.unmapped.length === 0 ? null : error.value
  })

  /** Runs `work`; true when it succeeded. Focus then goes to the first field in error. */
  async function submit(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    error.value = null
    try {
      await work()
      return true
    } catch (cause) {
      error.value = cause
      return false
    } finally {
      busy.value = false
      focusFirstError()
    }
  }

  /** Takes our own findings; true when there are none. */
  function check(findings: Record<string, string | null | undefined | false>): boolean {
    const kept = Object.entries(findings).filter((entry): entry is [string, string] => Boolean(entry[1]))
    local.value = Object.fromEntries(kept)
    if (kept.length) focusFirstError()
    return kept.length === 0
  }

  function reset(): void {
    error.value = null
    local.value = {}
  }

  return { busy, error, bandError, fieldError, submit, check, reset }
}

function focusFirstError(): void {
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>('.v-field--error input, .v-field--error textarea')?.focus()
  })
}
