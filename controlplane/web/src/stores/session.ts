/** Who is logged in, for which tenant, with which permissions. */
import { computed, ref } from 'vue'
import { defineStore } from 'pinia'
import { api } from '@/api/endpoints'
import { onSessionEnded, onStepUp, setCsrfToken } from '@/api/client'
import { ApiError } from '@/api/problem'
import type { SecondFactorWanted, Session } from '@/api/types'
import { countryFormat } from '@/format/country'

export const useSession = defineStore('session', () => {
  const session = ref<Session | null>(null)
  /** The server forgot us while a page was open: the page stays, a log-in card goes over it. */
  const ended = ref(false)

  const user = computed(() => session.value?.user ?? null)
  const tenant = computed(() => session.value?.tenant ?? null)
  const country = computed(() => countryFormat(session.value?.tenant.country ?? ''))
  const zone = computed(() => session.value?.tenant.time_zone ?? 'UTC')

  function adopt(next: Session): void {
    session.value = next
    ended.value = false
    setCsrfToken(next.csrf_token)
  }

  /** Reads the session of the cookie; false when there is none. Other failures are thrown. */
  async function load(): Promise<boolean> {
    try {
      adopt(await api.session.read())
      return true
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 401) return false
      throw cause
    }
  }

  /** Null when the person is in; else what a code of the second factor has to be sent with. */
  async function logIn(credentials: { tenant?: string; email: string; password: string }): Promise<SecondFactorWanted | null> {
    const answer = await api.session.create(credentials)
    if ('challenge' in answer) return answer
    adopt(answer)
    return null
  }

  async function secondFactor(challenge: string, code: string): Promise<void> {
    adopt(await api.session.secondFactor(challenge, code))
  }

  async function logOut(): Promise<void> {
    await api.session.remove()
    session.value = null
    setCsrfToken('')
  }

  function can(permission: string): boolean {
    const held = session.value?.permissions ?? []
    // An owner's session names no list: `*` is everything.
    return held.includes('*') || held.includes(permission)
  }

  /** Asks for the password; settled by the dialog that waits for it. */
  const proving = ref<((done: boolean) => void) | null>(null)

  function finishProof(done: boolean): void {
    proving.value?.(done)
    proving.value = null
  }

  async function stepUp(password: string): Promise<void> {
    adopt(await api.session.stepUp(password))
  }

  onStepUp(
    () =>
      new Promise((resolve) => {
        // Two operations at once wait for one answer.
        const before = proving.value
        proving.value = (done) => [before, resolve].forEach((one) => one?.(done))
      }),
  )
  onSessionEnded(() => {
    if (session.value) ended.value = true
  })

  return { session, ended, proving, stepUp, finishProof, user, tenant, country, zone, load, logIn, secondFactor, logOut, can }
})
